"""Command lines of network equipment, near enough to be driven: gear.py ios|junos|vrp"""

import sys
import termios
import time
import tty

family = sys.argv[1]
out = sys.stdout


def say(text, end="\r\n"):
    out.write(text.replace("\n", "\r\n") + end)
    out.flush()


def hidden(prompt):
    """A secret without echo: not even the line end comes back."""
    say(prompt, end="")
    old = termios.tcgetattr(0)
    mode = termios.tcgetattr(0)
    mode[3] &= ~(termios.ECHO | termios.ECHONL)
    termios.tcsetattr(0, termios.TCSANOW, mode)
    try:
        return sys.stdin.readline().rstrip("\n")
    finally:
        termios.tcsetattr(0, termios.TCSANOW, old)


def key():
    old = termios.tcgetattr(0)
    tty.setcbreak(0)
    try:
        return sys.stdin.read(1)
    finally:
        termios.tcsetattr(0, termios.TCSANOW, old)


def paged(lines, pager, erase, page):
    # A page in one piece: what is on the screen in between must not look like the end on a busy machine.
    held = ""
    for number, line in enumerate(lines):
        if page and number and number % page == 0:
            out.write(held + pager)
            held = ""
            out.flush()
            old = termios.tcgetattr(0)
            mode = termios.tcgetattr(0)
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(0, termios.TCSANOW, mode)
            pressed = sys.stdin.read(1)
            termios.tcsetattr(0, termios.TCSANOW, old)
            held = erase
            if pressed == "q":
                say(held, end="")
                return
        held += line + "\r\n"
    say(held, end="")


def lines_of(count, name):
    lines = [f"line {number} of the configuration" for number in range(1, count + 1)]
    lines[10] = f"banner motd {name}# is not a prompt"
    lines[11] = f"{name}#"
    lines[12] = f" description {name}> and [{name}]"
    return lines


def ios():
    name, mode, page, privileged = "sw1", "", 24, False
    say("\nWelcome! sw1# is only a banner\nUser Access Verification\n")
    say("Username: ", end="")
    sys.stdin.readline()
    if hidden("Password: ") != "cisco":
        say("\n% Login invalid")
        return
    say("")
    while True:
        say(f"{name}{mode}" + ("#" if privileged else ">"), end="")
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            say("^C")
            continue
        if not line:
            return
        line = line.strip()
        if line == "":
            continue
        elif line == "terminal length 0":
            page = 0
        elif line == "terminal length 24":
            page = 24
        elif line == "enable":
            # The prompt follows the question in the same line.
            if hidden("Password: ") == "secret":
                privileged = True
            else:
                say("\n% Access denied")
        elif line == "show run":
            paged(lines_of(100, "sw1"), " --More-- ", "\b" * 10 + " " * 10 + "\b" * 10, page)
        elif line == "conf t" and privileged:
            say("Enter configuration commands, one per line.")
            mode = "(config)"
        elif line.startswith("interface") and mode:
            mode = "(config-if)"
        elif line == "end":
            mode = ""
        elif line == "reload":
            say("Proceed with reload? [confirm]", end="")
            key()
            say("\nnot really")
        elif line.startswith("hostname ") and mode:
            name = line.split()[1]
        elif line == "copy run start":
            say("Destination filename [startup-config]? ", end="")
            target = sys.stdin.readline().strip() or "startup-config"
            say("Building configuration...\n[OK] " + target)
        elif line == "write erase":
            say("Erasing the nvram filesystem will remove all files! Continue? ", end="")
            say("done" if sys.stdin.readline().strip() == "yes" else "kept")
        elif line == "slow":
            for number in range(3):
                say(f"part {number}")
                time.sleep(0.3)
        elif line == "hang":
            try:
                time.sleep(600)
            except KeyboardInterrupt:
                say("^C")
        elif line == "exit":
            return
        else:
            say("          ^\n% Invalid input detected at '^' marker.\n")


def junos():
    mode, page = "> ", 10
    say("--- JUNOS 21.4R1 built 2022-01-01\nadmin@r1> ", end="")
    while True:
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = "\n"
        if not line:
            return
        line = line.strip()
        if line == "set cli screen-length 0":
            page = 0
            say("Screen length set to 0")
        elif line == "show configuration":
            paged(lines_of(40, "r1"), "---(more 25%)---", "\r" + " " * 40 + "\r", page)
        elif line == "configure":
            say("Entering configuration mode")
            mode = "# "
        elif line == "exit" and mode == "# ":
            say("Exiting configuration mode")
            mode = "> "
        elif line:
            say("             ^\nunknown command.")
        if mode == "# ":
            say("\n[edit]")
        else:
            say("")
        say("admin@r1" + mode, end="")


def vrp():
    view = "<core>"
    page = 12
    say("\nInfo: The max number of VTY users is 5.")
    while True:
        say(view, end="")
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            continue
        if not line:
            return
        line = line.strip()
        if line == "screen-length 0 temporary":
            page = 0
            say("Info: The configuration takes effect on the current user terminal interface only.")
        elif line == "display current-configuration":
            paged(lines_of(30, "core"), "  ---- More ----", "\x1b[16D                \x1b[16D", page)
        elif line == "system-view":
            say("Enter system view, return user view with Ctrl+Z.")
            view = "[core]"
        elif line.startswith("interface"):
            view = "[core-GigabitEthernet0/0/1]"
        elif line == "return":
            view = "<core>"
        elif line == "save":
            say("The current configuration will be written. Are you sure? [Y/N]", end="")
            answer = sys.stdin.readline().strip()
            say("saved" if answer == "y" else "kept")
        elif line:
            say("              ^\nError: Unrecognized command found at '^' position.")


{"ios": ios, "junos": junos, "vrp": vrp}[family]()
