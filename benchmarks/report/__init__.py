"""Every table and plot of the documentation that shows a benchmark, from results/*.json alone.

    python -m benchmarks.report          # in the repository: writes blocks and plots
    python -m benchmarks.report --check  # changes nothing; names what does not agree, exit code 1

A block is what stands in a Markdown file between

    <!-- results: NAME, written by benchmarks/report -->
    <!-- end of results -->

and is compared character by character. To add one:

1. write a function of what one or more files in results/ hold that returns Markdown: in the module here
   that its subject belongs to, with the words of `words.py`, so that figures look alike;
2. name the block, its function and its files in `blocks.py`, with a function of `plots.py` if it has a plot;
3. put the two markers where it is to stand, each on a line of its own, and run the command.

Below each block the machine, the files and the commands are written; its script prints it, too.
Links start at the repository's root (`](/docs/train.md)`) and are made relative to the file.
"""
