"""Raw files to a processed domain to features, one typed command a step: ``python prepare.py --help``."""

from data.command import run_command
from data.describe.command import describe_domains
from data.doctor import doctor
from data.errors import exit_on_bad_input
from data.features.extract import extract_features
from data.fetch.command import fetch_domains
from data.images.command import fetch_images
from data.prepare import merge_domains, prepare_domain
from data.prepare.verify import verify_domain
from data.sample import make_sample

COMMANDS = {
    "fetch": fetch_domains,
    "sample": make_sample,
    "domain": prepare_domain,
    "images": fetch_images,
    "features": extract_features,
    "merge": merge_domains,
    "describe": describe_domains,
    "doctor": doctor,
    "verify": verify_domain,
}


def main() -> None:
    """Run the step that the arguments name."""
    run_command(COMMANDS)


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
