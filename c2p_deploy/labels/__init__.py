"""Label sets: names with their text features, words that have one, and how they are asked for."""

from c2p_deploy.labels.choose import by_names, choose_labels, label_names
from c2p_deploy.labels.groups import label_groups
from c2p_deploy.labels.label_set import MOST_DIMS, PAPER_TEMPLATE, LabelSet, is_template, templates_of
from c2p_deploy.labels.taught import TaughtLabels, load_labels
from c2p_deploy.labels.word_bank import WordBank, word_bank

__all__ = [
    "MOST_DIMS",
    "PAPER_TEMPLATE",
    "LabelSet",
    "TaughtLabels",
    "WordBank",
    "by_names",
    "choose_labels",
    "is_template",
    "label_groups",
    "label_names",
    "load_labels",
    "templates_of",
    "word_bank",
]
