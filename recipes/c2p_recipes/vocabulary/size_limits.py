"""How large things are: least and largest extent in metres, from the smallest toy that bears the name on.

Written by hand. Wide on purpose: a limit that is too tight turns a right answer into a wrong one. Of what is
also made as a toy or a model (animals, vehicles, buildings) only the largest size says something.
"""

from __future__ import annotations

from collections.abc import Iterable

SIZE_LIMITS: dict[str, tuple[float, float]] = {
    "adhesive tape": (0.02, 0.2), "air conditioner": (0.25, 2), "airplane": (0.03, 90), "animal": (0.02, 8),
    "apple": (0.04, 0.15), "armchair": (0.4, 1.5), "avocado": (0.05, 0.2), "axe": (0.15, 1.2),
    "backpack": (0.2, 0.9), "ball": (0.02, 0.8), "balloon": (0.1, 60), "banana": (0.08, 0.35),
    "barrel": (0.2, 1.8), "basket": (0.08, 1.2), "bathtub": (0.9, 3), "bed": (1, 3.5),
    "bell pepper": (0.04, 0.2), "bench": (0.5, 4), "bicycle": (0.8, 2.6), "bird": (0.03, 3),
    "blender": (0.15, 0.6), "book": (0.06, 0.5), "bottle": (0.05, 0.6), "bow": (0.3, 2.2),
    "bowl": (0.05, 0.6), "box": (0.02, 2.5), "bread": (0.05, 0.6), "broccoli": (0.05, 0.35),
    "broom": (0.3, 1.8), "brush": (0.04, 0.6), "bucket": (0.1, 0.7), "building": (0.03, 900),
    "bunk bed": (1.2, 3.5), "bus": (0.03, 20), "bush": (0.15, 5), "cabinet": (0.25, 4),
    "cactus": (0.04, 12), "cake": (0.04, 0.8), "camera": (0.03, 0.4), "can": (0.04, 0.35),
    "candle": (0.02, 0.6), "cannon": (0.03, 6), "car": (0.03, 8), "carpet": (0.3, 8), "carrot": (0.05, 0.4),
    "cat": (0.03, 1.2), "ceiling lamp": (0.1, 3), "chair": (0.35, 1.8), "cheese": (0.03, 0.5),
    "chess piece": (0.015, 0.3), "chest": (0.1, 2), "chopsticks": (0.1, 0.4), "christmas tree": (0.1, 15),
    "clock": (0.03, 2.5), "coat rack": (0.2, 2.5), "coffee maker": (0.12, 0.8), "coffee table": (0.35, 2.2),
    "coin": (0.005, 0.06), "comb": (0.06, 0.3), "computer": (0.15, 0.8), "computer keyboard": (0.15, 0.7),
    "computer mouse": (0.04, 0.2), "cookie": (0.02, 0.2), "corn": (0.06, 0.4), "cow": (0.03, 3.5),
    "crate": (0.12, 2), "crib": (0.5, 1.8), "croissant": (0.05, 0.3), "cup": (0.04, 0.3),
    "cupcake": (0.03, 0.2), "curtain": (0.4, 6), "cutting board": (0.12, 0.8), "dagger": (0.1, 0.7),
    "deer": (0.03, 4), "desk": (0.6, 3.5), "die": (0.005, 0.2), "dinosaur": (0.03, 30), "dog": (0.03, 2),
    "door": (1.5, 5), "doughnut": (0.04, 0.25), "dresser": (0.5, 2.5), "drill": (0.1, 0.6),
    "drum": (0.1, 1.5), "egg": (0.02, 0.3), "eggplant": (0.05, 0.4), "fan": (0.1, 2), "fence": (0.2, 50),
    "filing cabinet": (0.25, 2), "fire extinguisher": (0.15, 1.2), "fire hydrant": (0.2, 1.5),
    "fireplace": (0.4, 4), "fish": (0.02, 15), "flag": (0.08, 15), "flashlight": (0.05, 0.6),
    "flower": (0.03, 2), "fork": (0.08, 0.5), "french fries": (0.04, 0.3), "frying pan": (0.12, 0.8),
    "glass": (0.04, 0.35), "glasses": (0.07, 0.25), "glove": (0.07, 0.45), "grape": (0.01, 0.35),
    "guitar": (0.3, 1.6), "gun": (0.1, 2), "hamburger": (0.04, 0.3), "hammer": (0.1, 1.2),
    "hand": (0.06, 0.3), "handbag": (0.1, 0.8), "hanger": (0.2, 0.6), "hat": (0.12, 0.7),
    "head": (0.1, 0.5), "headphones": (0.07, 0.35), "helicopter": (0.03, 30), "helmet": (0.12, 0.6),
    "horse": (0.03, 3.5), "hot dog": (0.06, 0.35), "house": (0.03, 60), "ice cream": (0.04, 0.35),
    "insect": (0.002, 0.3), "jar": (0.04, 0.6), "kettle": (0.1, 0.5), "key": (0.02, 0.2),
    "knife": (0.08, 0.6), "ladder": (0.4, 12), "lamp": (0.1, 12), "laptop": (0.15, 0.6),
    "lemon": (0.03, 0.15), "lettuce": (0.06, 0.4), "light switch": (0.03, 0.3), "log": (0.1, 8),
    "mailbox": (0.12, 2), "microwave oven": (0.25, 0.9), "mirror": (0.05, 3), "mobile phone": (0.06, 0.3),
    "monitor": (0.2, 2.5), "motorcycle": (0.03, 3), "mug": (0.05, 0.25), "mushroom": (0.02, 0.4),
    "musical instrument": (0.05, 3), "necklace": (0.05, 0.6), "night stand": (0.3, 1.1),
    "orange": (0.04, 0.15), "oven": (0.3, 1.5), "padlock": (0.02, 0.2), "palm tree": (0.15, 30),
    "pear": (0.04, 0.2), "pen": (0.06, 0.25), "pencil": (0.05, 0.3), "person": (0.4, 2.3),
    "piano": (0.5, 3), "picture frame": (0.05, 3), "pillow": (0.15, 1.2), "pitcher": (0.08, 0.5),
    "pizza": (0.08, 0.8), "plant": (0.05, 6), "plate": (0.06, 0.6), "pliers": (0.07, 0.5),
    "pot": (0.06, 0.9), "power outlet": (0.03, 0.3), "printer": (0.15, 1.5), "pumpkin": (0.05, 1),
    "radiator": (0.25, 3), "radio": (0.05, 0.8), "range hood": (0.3, 1.8), "refrigerator": (0.4, 2.3),
    "remote control": (0.06, 0.35), "ring": (0.005, 0.08), "robot": (0.03, 3), "rock": (0.01, 20),
    "rocket": (0.03, 120), "rubik's cube": (0.02, 0.15), "ruler": (0.08, 1.2), "salt shaker": (0.03, 0.25),
    "sausage": (0.05, 0.4), "saw": (0.15, 1.2), "scissors": (0.06, 0.4), "screwdriver": (0.06, 0.5),
    "sculpture": (0.04, 20), "shark": (0.03, 8), "shelf": (0.2, 5), "shield": (0.15, 1.6),
    "ship": (0.03, 400), "shoe": (0.07, 0.45), "shovel": (0.1, 1.8), "shower": (0.1, 2.6), "sign": (0.1, 6),
    "sink": (0.2, 1.8), "skull": (0.04, 0.6), "snake": (0.05, 5), "snowman": (0.05, 3), "soap": (0.02, 0.3),
    "sofa": (0.9, 5), "spaceship": (0.03, 200), "spatula": (0.1, 0.5), "speaker": (0.05, 2),
    "spear": (0.4, 3), "spider": (0.01, 0.4), "sponge": (0.03, 0.25), "spoon": (0.06, 0.5),
    "stairs": (0.4, 12), "stapler": (0.05, 0.3), "stool": (0.2, 1.1), "stove": (0.25, 1.6),
    "strawberry": (0.01, 0.1), "street light": (0.4, 15), "sushi": (0.02, 0.15), "swing": (0.4, 4),
    "sword": (0.3, 2), "table": (0.3, 6), "tablet computer": (0.1, 0.45), "tank": (0.03, 12),
    "teapot": (0.07, 0.45), "teddy bear": (0.05, 1.5), "telephone": (0.06, 0.4), "television": (0.25, 2.6),
    "tennis racket": (0.25, 0.9), "tent": (0.5, 10), "toaster": (0.12, 0.6), "toilet": (0.4, 1.2),
    "toilet paper": (0.05, 0.25), "tomato": (0.02, 0.15), "tool": (0.05, 2), "toothbrush": (0.08, 0.3),
    "torch": (0.05, 2), "towel": (0.1, 2), "tower": (0.05, 900), "traffic cone": (0.1, 1.2),
    "traffic light": (0.15, 8), "traffic sign": (0.15, 5), "train": (0.03, 500), "trash can": (0.15, 1.8),
    "tray": (0.1, 0.9), "tree": (0.3, 100), "trousers": (0.3, 1.5), "truck": (0.03, 25),
    "umbrella": (0.2, 3), "urinal": (0.25, 1.3), "vase": (0.05, 1.5), "wardrobe": (0.6, 4),
    "washing machine": (0.4, 1.4), "watch": (0.02, 0.35), "watering can": (0.1, 0.8),
    "watermelon": (0.1, 0.7), "wheel": (0.03, 4), "windmill": (0.05, 60), "window": (0.3, 6),
    "wine glass": (0.05, 0.4), "wrench": (0.06, 0.7),
}  # fmt: skip


def known_limits(labels: Iterable[str]) -> dict[str, tuple[float, float]]:
    """The limits of those labels that have some."""
    return {name: SIZE_LIMITS[name] for name in labels if name in SIZE_LIMITS}
