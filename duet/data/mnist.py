"""MNIST: 60,000 + 10,000 handwritten digits of 28x28 grey pixels (LeCun et al., 1998)."""

from duet.data.base import Facts
from duet.data.idx import idx_set

FACTS = Facts(
    name="mnist",
    title="MNIST",
    class_names=tuple("0123456789"),
    about="60,000 training images of handwritten digits, 28×28 grey pixels, one of ten classes "
    "each (LeCun, Cortes, Burges; CC BY-SA 3.0)",
    licence="cc-by-sa-3.0",
    credit="MNIST: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0.",
    hub_id="ylecun/mnist",
    ethics="The digits were written by American census workers and high-school pupils in the "
    "1990s; other hands and scripts are not represented. The images show no persons.",
    origin="http://yann.lecun.com/exdb/mnist/",
)

MNIST = idx_set(FACTS, "MNIST")
