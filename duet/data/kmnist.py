"""KMNIST: 60,000 + 10,000 cursive hiragana, 28x28 grey pixels (Clanuwat et al., 2018)."""

from duet.data.base import Facts
from duet.data.idx import idx_set

FACTS = Facts(
    name="kmnist",
    title="Kuzushiji-MNIST",
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    about="60,000 training images of cursive hiragana from old Japanese books, 28×28 grey pixels, "
    "one of ten classes each (Clanuwat et al., 2018; CC BY-SA 4.0)",
    licence="cc-by-sa-4.0",
    credit='"KMNIST Dataset" (created by CODH), adapted from "Kuzushiji Dataset" (created by NIJL '
    "and others), doi:10.20676/00000341, CC BY-SA 4.0.",
    hub_id="randall-lab/kmnist",
    ethics="One character stands for each row of hiragana, cut from printed and written books of "
    "the 18th century; no modern handwriting is represented. The images show no persons.",
    origin="https://github.com/rois-codh/kmnist",
)

KMNIST = idx_set(FACTS, "KMNIST")
