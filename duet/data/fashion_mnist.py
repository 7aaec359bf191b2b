"""Fashion-MNIST: 60,000 + 10,000 articles of clothing, 28x28 grey pixels (Xiao et al., 2017)."""

from duet.data.base import Facts
from duet.data.idx import idx_set

FACTS = Facts(
    name="fashion-mnist",
    title="Fashion-MNIST",
    class_names=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    ),
    about="60,000 training images of articles of clothing, 28×28 grey pixels, one of ten classes "
    "each (Xiao, Rasul, Vollgraf, 2017; MIT)",
    licence="mit",
    credit="Fashion-MNIST: Zalando SE, MIT.",
    hub_id="zalando-datasets/fashion_mnist",
    ethics="The pictures are a German shop's product photographs of about 2017, made small and "
    "grey; other ways of dressing are not represented. Nearly all show no persons.",
    origin="https://github.com/zalandoresearch/fashion-mnist",
)

FASHION_MNIST = idx_set(FACTS, "FashionMNIST")
