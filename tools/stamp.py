"""Give a copy or a fork of the course its own address, commit that, and push it. Nothing is done where it has it already.

Usage: stamp.py owner/name   (make stamp REPO=owner/name; the workflow `publish` begins with it)

Else the links of a copy would lead to the course that it was made from. A token in the environment variable GITHUB_TOKEN
is shown to git alone, which asks for it when it pushes; nothing keeps it.
"""

import subprocess
import sys

import badges

ASK = '!printf "username=x-access-token\\npassword=%s\\n" "$GITHUB_TOKEN"; true'
ROBOT = "github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com"


def git(*arguments):
    name, mail = ROBOT
    settings = (f"user.name={name}", f"user.email={mail}", "credential.helper=", f"credential.helper={ASK}")
    options = [part for setting in settings for part in ("-c", setting)]
    subprocess.run(["git", *options, *arguments], cwd=badges.ROOT, check=True)


def main(repo):
    readme, *notebooks = badges.files()
    stamped = {address for address, _ in badges.addresses(readme.read_text(encoding="utf-8"))}
    if {address.lower() for address in stamped} == {repo.lower()}:
        print(f"This is {repo} already.")
        return
    subprocess.run([sys.executable, badges.__file__, "--repo", repo], check=True)
    git("commit", "-q", "-m", f"make badges REPO={repo}", "--", readme, *notebooks)
    git("push", "origin", "HEAD")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # the reason stands above
