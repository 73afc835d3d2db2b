"""Pairs of fingerprints of one's own sensor, for a siamese model.

There is no public dataset, and MLTK 0.20's tool that reads a sensor is not here: save the pictures of your sensor as
gray PNG files, one folder for each finger, and give the path of the folder above them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.fetch.download import datasets_dir
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.errors import DatasetError
from mltk.files import make_folder, replacing_folder

__all__ = [
    "FingerprintSignatureGeneratorDataset",
    "balance_colorspace",
    "conv2d",
    "euclidean_distance",
    "generate_gaussian_filter",
    "generate_sharpening_filter",
    "get_previous_verify_msg",
    "sharpen_image",
    "verify_sample",
]

Gray = npt.NDArray[np.uint8]
IMAGE_FORMATS = (".png", ".jpg", ".jpeg", ".bmp")
_verify_msg = ""


class FingerprintSignatureGeneratorDataset:
    """Lists pairs of pictures: "match" are two pictures of one finger, "no-match" are pictures of two fingers.

    Args:
        dataset_path_or_url: Folder with a folder for each finger; or the address of an archive of it.
        dataset_hash: Checksum of the archive; None accepts any archive.
        nomatch_multiplier: Number of pairs that do not match, for each pair that matches.
        preprocess_samples: Whether to sharpen and balance the pictures, and leave out blurred ones.
        g_filter_size: Size in pixels of the Gaussian filter that the sharpening uses.
        g_filter_sigma: Standard deviation of this filter in pixels.
        contrast: Strength of the sharpening.
        border: Pixels at each edge that are ignored when the picture is balanced and verified.
        balance_threshold_max: Brighter pixels are ignored when the picture is balanced.
        balance_threshold_min: Darker pixels are ignored when the picture is balanced.
        verify_imin: Pixels below this value are dark.
        verify_imax: Pixels above this value are light.
        verify_full_threshold: See :func:`verify_sample`.
        verify_center_threshold: See :func:`verify_sample`.
    """

    lists_pairs = True

    def __init__(
        self,
        dataset_path_or_url: str,
        dataset_hash: str | None,
        nomatch_multiplier: int = 10,
        preprocess_samples: bool = True,
        g_filter_size: int = 5,
        g_filter_sigma: float = 8,
        contrast: float = 2.0,
        border: int = 32,
        balance_threshold_max: int = 240,
        balance_threshold_min: int = 0,
        verify_imin: int = 32,
        verify_imax: int = 224,
        verify_full_threshold: float = 3,
        verify_center_threshold: float = 2,
    ) -> None:
        self.dataset_path_or_url, self.dataset_hash = dataset_path_or_url, dataset_hash
        self.nomatch_multiplier = nomatch_multiplier
        self.preprocess_samples_enabled = preprocess_samples
        self.preprocess_params: dict[str, Any] = {
            "g_filter_size": g_filter_size,
            "g_filter_sigma": g_filter_sigma,
            "contrast": contrast,
            "border": border,
            "balance_threshold_min": balance_threshold_min,
            "balance_threshold_max": balance_threshold_max,
            "verify_imin": verify_imin,
            "verify_imax": verify_imax,
            "verify_full_threshold": verify_full_threshold,
            "verify_center_threshold": verify_center_threshold,
        }
        gaussian = generate_gaussian_filter(g_filter_size, g_filter_sigma)
        self.sharpen_filter, self.sharpen_gain = generate_sharpening_filter(gaussian, contrast)

    @property
    def previous_verify_msg(self) -> str:
        """The counts of dark and light pixels of the picture that :meth:`verify_sample` saw last."""
        return get_previous_verify_msg()

    def load_data(self) -> str:
        """Find the pictures, and prepare them if ``preprocess_samples_enabled``.

        Returns:
            A folder with a folder for each finger.

        Raises:
            DatasetError: There is no such folder, or it has no pictures.
            DownloadError: The archive cannot be downloaded.
        """
        given = self.dataset_path_or_url
        if given.lower().startswith(("http://", "https://")):
            name = hashlib.sha256(given.encode()).hexdigest()[:12]
            target = datasets_dir() / f"fingerprints-{name}"
            source = Path(fetch_and_unpack(given, self.dataset_hash, target, remove_root_dir=True))
        else:
            source = Path(given).expanduser().absolute()
        if not source.is_dir():
            raise DatasetError(
                f"The folder of fingerprints {given} does not exist.",
                hint="Save pictures of your sensor, one folder for each finger, and set dataset_path_or_url.",
            )
        return str(self._preprocessed(source)) if self.preprocess_samples_enabled else str(source)

    def _preprocessed(self, source: Path) -> Path:
        """Return the folder of the prepared pictures. It is made again when a picture or a parameter changes."""
        names = self.list_all_samples(str(source), flatten=True)
        if not names:
            raise DatasetError(f"{source} has no pictures in folders ({', '.join(IMAGE_FORMATS)}).")
        facts = [(name, (source / name).stat().st_size, (source / name).stat().st_mtime_ns) for name in names]
        key = hashlib.sha256(json.dumps([facts, self.preprocess_params]).encode()).hexdigest()[:16]
        folder = datasets_dir() / "fingerprints" / key
        if folder.is_dir():
            return folder
        from PIL import Image

        make_folder(folder.parent)
        with replacing_folder(folder) as temporary:
            for name in names:
                with Image.open(source / name) as image:
                    picture = self.preprocess_sample(np.asarray(image.convert("L")))
                if self.verify_sample(picture):
                    path = (Path(temporary) / name).with_suffix(".png")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(picture).save(path)
        return folder

    def list_all_samples(self, base_directory: str, flatten: bool) -> Any:
        """List the pictures, as paths relative to the folder.

        Args:
            base_directory: Folder with a folder for each finger.
            flatten: True returns one list, False a list for each finger.
        """
        fingers: dict[str, list[str]] = {}
        for path in sorted(Path(base_directory).rglob("*")):
            if path.suffix.lower() in IMAGE_FORMATS and path.parent != Path(base_directory):
                relative = path.relative_to(base_directory).as_posix()
                fingers.setdefault(relative.rpartition("/")[0], []).append(relative)
        return [name for names in fingers.values() for name in names] if flatten else list(fingers.values())

    def preprocess_sample(self, x: Gray) -> Gray:
        """Balance and sharpen one picture.

        Args:
            x: uint8 ``[height, width]``.

        Returns:
            uint8 ``[height, width]``.
        """
        params = self.preprocess_params
        balanced = balance_colorspace(
            x,
            border=params["border"],
            threshold_min=params["balance_threshold_min"],
            threshold_max=params["balance_threshold_max"],
        )
        return sharpen_image(balanced, self.sharpen_filter, self.sharpen_gain)

    def verify_sample(self, x: Gray) -> bool:
        """Whether a prepared picture shows a whole fingerprint; see the function :func:`verify_sample`."""
        params = self.preprocess_params
        return verify_sample(
            x,
            params["verify_imin"],
            params["verify_imax"],
            params["border"],
            params["verify_full_threshold"],
            params["verify_center_threshold"],
        )

    def list_valid_filenames_in_directory(
        self,
        base_directory: str,
        search_class: str,
        white_list_formats: list[str],
        split: tuple[float, float] | None,
        follow_links: bool,
        shuffle_index_directory: str | None,
    ) -> tuple[str, list[tuple[str, str]]]:
        """List the pairs of a class. A pair has no finger in common with a pair of another part.

        Args:
            base_directory: Folder with a folder for each finger.
            search_class: ``"match"`` or ``"no-match"``.
            white_list_formats: For compatibility with MLTK 0.20; ignored.
            split: The part of the fingers, as shares of the whole; None is the whole.
            follow_links: For compatibility with MLTK 0.20; ignored.
            shuffle_index_directory: For compatibility with MLTK 0.20; ignored.

        Returns:
            ``search_class``, and pairs of paths relative to ``base_directory``.
        """
        fingers: list[list[str]] = self.list_all_samples(base_directory, flatten=False)
        random.Random(1).shuffle(fingers)
        begin, end = (round(share * len(fingers)) for share in split or (0.0, 1.0))
        chosen = fingers[begin:end]
        matches = [pair for finger in chosen for pair in itertools.combinations(finger, 2)]
        if search_class == "match":
            return search_class, matches
        draw = random.Random(2)
        wanted = self.nomatch_multiplier * len(matches)
        found: dict[tuple[str, str], None] = {}  # a dict keeps the order
        for _ in range(4 * wanted if len(chosen) > 1 else 0):
            a, b = draw.sample(chosen, 2)
            found[draw.choice(a), draw.choice(b)] = None
            if len(found) == wanted:
                break
        return search_class, list(found)


def euclidean_distance(vects: Any) -> Any:
    """Return the distance of two vectors, ``[batch, 1]``.

    Args:
        vects: Two tensors ``[batch, size]``.
    """
    from keras import ops

    first, second = vects
    squares = ops.sum(ops.square(first - second), axis=1, keepdims=True)
    return ops.sqrt(ops.maximum(squares, 1e-7))  # the slope of the square root is infinite at zero


def generate_gaussian_filter(filter_size: int, sigma: float) -> npt.NDArray[np.float64]:
    """Return a Gaussian filter ``[filter_size, filter_size]`` whose sum is 1.

    Args:
        filter_size: Size in pixels.
        sigma: Standard deviation in pixels.
    """
    at = np.arange(filter_size) - (filter_size - 1) / 2
    line = np.exp(-(at**2) / (2 * sigma**2))
    square = np.outer(line, line)
    filter_: npt.NDArray[np.float64] = square / square.sum()
    return filter_


def generate_sharpening_filter(g_filter: npt.NDArray[np.float64], amount: float) -> tuple[npt.NDArray[np.int8], int]:
    """Return an unsharp mask in int8, and its gain, a power of two: the sum of its weights.

    Args:
        g_filter: Gaussian filter.
        amount: Strength of the sharpening.
    """
    center = g_filter.shape[0] // 2, g_filter.shape[1] // 2
    for gain in (64, 32, 16, 8, 4, 2, 1):
        mask = np.round(-amount * gain * g_filter).astype(np.int64)
        mask[center] = 0
        mask[center] = gain - mask.sum()
        if np.abs(mask).max() <= 127:
            return mask.astype(np.int8), gain
    raise ValueError(f"The amount {amount} is too large for a filter of 8 bits.")


def conv2d(input: Gray, filter: npt.NDArray[Any], gain: float) -> Gray:
    """Filter a picture, divide by the gain, round down, and clip to uint8. The pixels beyond the edges are zero.

    Args:
        input: uint8 ``[height, width]``.
        filter: ``[rows, columns]``, of odd sizes.
        gain: Divisor of the sums.
    """
    rows, columns = filter.shape
    padded = np.pad(input.astype(np.int32), ((rows // 2,) * 2, (columns // 2,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, filter.shape)
    sums = np.einsum("ijkl,kl->ij", windows, filter.astype(np.int32))
    filtered: Gray = np.clip(np.floor(sums / gain), 0, 255).astype(np.uint8)
    return filtered


def sharpen_image(image: Gray, filter: npt.NDArray[Any], gain: float) -> Gray:
    """Sharpen a picture; see :func:`conv2d`."""
    return conv2d(image, filter, gain)


def balance_colorspace(
    x: Gray, imax: int = 0, imin: int = 255, border: int = 32, threshold_min: int = 0, threshold_max: int = 240
) -> Gray:
    """Stretch the values of a picture to 0 to 255.

    Args:
        x: uint8 ``[height, width]``.
        imax: The brightest value is at least this.
        imin: The darkest value is at most this.
        border: Pixels at each edge that are ignored.
        threshold_min: Darker pixels are ignored.
        threshold_max: Brighter pixels are ignored.
    """
    inner = x[border:-border, border:-border] if border else x
    counted = inner[(inner >= threshold_min) & (inner <= threshold_max)]
    darkest, brightest = min(imin, int(counted.min(initial=255))), max(imax, int(counted.max(initial=0)))
    if brightest <= darkest:
        return x
    stretched = (x.astype(np.float32) - darkest) * (255.0 / (brightest - darkest))
    balanced: Gray = np.clip(stretched, 0, 255).astype(np.uint8)
    return balanced


def verify_sample(
    x: Gray,
    imin: int = 32,
    imax: int = 224,
    border: int = 32,
    full_threshold: float = 4,
    center_threshold: float = 3,
) -> bool:
    """Whether a prepared picture shows a whole fingerprint: it has about as many dark pixels as light pixels.

    Args:
        x: uint8 ``[height, width]``.
        imin: Pixels below this value are dark.
        imax: Pixels above this value are light.
        border: Pixels at each edge that the center does not have.
        full_threshold: The difference of both counts is at most their sum divided by this, in the whole picture.
        center_threshold: The same, in the center.
    """
    global _verify_msg
    center = x[border:-border, border:-border] if border else x
    lines, good = [], True
    for name, part, threshold in (("whole", x, full_threshold), ("center", center, center_threshold)):
        dark, light = int((part < imin).sum()), int((part > imax).sum())
        limit = (dark + light) / threshold
        lines.append(f"{name}: {dark} dark and {light} light pixels; they may differ by {limit:.0f}")
        good = good and dark + light > 0 and abs(dark - light) <= limit
    _verify_msg = "\n".join(lines)
    return good


def get_previous_verify_msg() -> str:
    """Return the counts of the picture that :func:`verify_sample` saw last."""
    return _verify_msg
