import MMCore

/// The preparation of a shell on an SSH host and the form in which commands are passed to it.
///
/// There is no terminal and no descriptor besides the three streams: the report is written to output and errors, after
/// the command's own output, under a number that occurs only in the shell's lines; a command finds it in no variable.
/// Descriptors 7 and 8 keep the streams; output of the shell itself goes to the null device.
enum RemoteDialect {
    /// Returns the command that starts the best available interactive shell, whatever the login shell is.
    ///
    /// A host reports the shell's end only once no process holds its streams any more, and background jobs may hold
    /// them for hours. Therefore the shell gets a parent that reports its end at once, if the host can start the shell
    /// as the leader of its own session.
    static func launch(mark: String) -> String {
        let told =
            #"s=$?; printf 'mm-ended-%s %s\000' \#(mark) "$s"; printf 'mm-ended-%s %s\000' \#(mark) "$s" >&9; exit "$s""#
        return command(
            "export MM_SHELL_ID=\(mark) TERM=dumb LESSSECURE=1; if command -v bash >/dev/null 2>&1; "
                + "then set -- bash --norc --noprofile --noediting -i; else set -- /bin/sh -i; fi; "
                + "command -v setsid >/dev/null 2>&1 || exec \"$@\"; "
                + "exec 9>&2 2>/dev/null; (exec 2>&9 9>&-; exec setsid \"$@\"); \(told)")
    }

    /// Returns the command that runs a script in the host's `sh`, whatever the login shell is.
    ///
    /// The C shell reads `!` and line ends within quotes, too, and fish reads `\\`: the script is passed without them,
    /// in the notation of `printf %b`.
    static func command(_ script: String) -> String {
        var word = ""
        for scalar in script.unicodeScalars {
            switch scalar {
            case "\n": word += "\\n"
            case "\\", "'", "!":
                let digits = String(scalar.value, radix: 8)
                word += "\\0" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
            default: word.unicodeScalars.append(scalar)
            }
        }
        return "exec /bin/sh -c 'eval \"$(printf %b \"$0\")\"' '\(word)'"
    }

    /// Returns the beginning of the report of the shell's end; its status and a NUL character follow. It is assembled
    /// only when it is written, as for `promptMark`.
    static func endMark(_ mark: String) -> String { "mm-ended-\(mark) " }

    /// Returns the beginning of the report of a prompt; a status and a NUL character follow. It is assembled only when
    /// it is written, so that no listing of functions contains it.
    static func promptMark(_ mark: String) -> String { "mm-prompt-\(mark) " }

    /// Returns the first lines that the shell runs. None of them may fail: some shells then drop the following lines,
    /// too.
    ///
    /// A start-up file may have started a different shell; the right one is then started again. BusyBox's shell
    /// mistakes the end of a background job for the end of its input, and would exit without `ignoreeof`. The file for
    /// the texts of commands is made here, because a later umask may make new files unreadable for the shell itself.
    static func boot(mark: String) -> String {
        """
        [ "${MM_SHELL_ID-}" = \(mark) ] || \(launch(mark: mark))
        PS1= PS2= PROMPT_COMMAND=; unset HISTFILE ENV; [ -z "${BASH_VERSION-}" ] || { set +o history +H; shopt -u promptvars; }
        [ -n "${BASH_VERSION-}" ] || { (set -o ignoreeof) 2>/dev/null && set -o ignoreeof; }
        exec 7>&1 8>&2; exec >/dev/null 2>&1
        __mm_m=\(mark)
        if [ -n "${BASH_VERSION-}" ]; then
        \(functions(kind(isBash: true)))\(ShellDialect.bashPrompt)
        else
        \(functions(kind(isBash: false)))\(ShellDialect.posixPrompt)
        fi
        __mm_d=${TMPDIR:-/tmp}/mm-sh-$MM_SHELL_ID
        mkdir -m 700 "$__mm_d" && (umask 077; : >"$__mm_d/c") || __mm_d=/nonexistent

        """
    }

    /// The language of a host's shell as its lines call builtins: the host may have any POSIX shell.
    private static func kind(isBash: Bool) -> ShellKind { isBash ? .bash : .dash }

    private static func functions(_ kind: ShellKind) -> String {
        """
        \(kind.mending)__mm_begin() { \(kind.calling("return")) "$__mm_p"; }
        __mm_tell() { \(tell("\"$1\"", status: "\"$2\"", rest: "\"$3\"", kind)); }
        __mm_put() {
        __mm_t=$__mm_c
        { \(kind.printf) '%s\\n' "$__mm_c" >"$__mm_d/c"; } 2>/dev/null && __mm_t='\(kind.calling(".")) "$__mm_d/c"'
        }
        __mm_end() {
        __mm_mend || __mm_v=
        \(kind.calling("set")) +e
        case ${__mm_x-} in
        ?*) __mm_tell "$2" "$1" "x${PWD-}"; __mm_x=; { \(kind.calling("export")) -p; \(kind.printf) '\\000'; } >&7 ;;
        *) __mm_tell "$2" "$1" "-${PWD-}" ;;
        esac
        __mm_i= __mm_c= __mm_t=\(kind.hooksByPrompt ? "\n\\command \\eval PS1=" : "")
        }
        __mm_hook() {
        __mm_mend || __mm_v=
        case ${__mm_i-} in ?*) \(kind.printf) 'mm-prompt-%s %s\\000' "$__mm_m" "$1" >&7 ;; esac
        }

        """
    }

    /// Returns the line after `boot`. The status in its report is the shell's process id; the rest begins with `b` if
    /// the shell is bash.
    static func greeting(id: String) -> [UInt8] {
        Array("__mm_tell \(id) \"$$\" \"${BASH_VERSION:+b}-\"\n".utf8)
    }

    /// Returns the line that runs a command. A command that starts no program is part of the line. The text of others
    /// is written to a file and sourced, since only then bash prints no notices of jobs and of killed programs; if no
    /// file can be written, as on a full disk, the text is evaluated.
    /// - Parameters:
    ///   - isBash: whether the shell is bash, which has a hook of its own for its prompt.
    ///   - streams: the redirections for a command that reads a terminal.
    static func line(
        _ text: String, id: String, previous: Int32, effects: CommandEffects, isBash: Bool,
        streams given: String? = nil
    ) -> [UInt8] {
        // Where the prompt is the only hook, it is set only while a command runs, and can't undo `set -e`.
        let kind = kind(isBash: isBash)
        let set = kind.calling("set")
        let hook = isBash ? "" : "\\command \\eval 'PS1=${__mm_h-}'; "
        let start = "\(set) +e; \(hook)__mm_i=1\(effects.mayExport ? " __mm_x=1" : "")"
        let word = String(decoding: ShellSnapshot.quoted(Array(text.utf8)), as: UTF8.self)
        let eval = kind.calling("eval")
        // The host may have any POSIX shell, so the line must satisfy the strictest of those that read their input in
        // blocks.
        guard !effects.mayStartPrograms, ShellDialect(kind: .bash).fitsLine(text, effects) else {
            let run = "__mm_put; __mm_begin; \(eval) \"$__mm_t\" \(given ?? silent); __mm_end \"$?\" \(id)"
            return Array("\(start) __mm_p=\(previous) __mm_c=\(word); \(run)\n".utf8)
        }
        let begin = previous == 0 ? "" : " __mm_p=\(previous); __mm_begin;"
        // The shell reads its input in blocks, so a longer line that saves a function call is faster.
        let end =
            effects.mayExport
            ? "__mm_end \"$?\" \(id)"
            : tell(id, status: "\"$?\"", rest: "\"-${PWD-}\"", kind)
                + (isBash ? "; __mm_i=; \(set) +e; PS1=" : "; __mm_i=; \\command \\eval PS1=; \(set) +e")
        return Array("\(start);\(begin) \(eval) \(word) \(given ?? ">&7 2>&8"); \(end)\n".utf8)
    }

    /// Returns the code that writes both reports. Only the one on standard output has content that is used.
    private static func tell(_ id: String, status: String, rest: String, _ kind: ShellKind) -> String {
        "\(kind.printf) '%s %s %s\\000' \(id) \(status) \(rest) >&7; \(kind.printf) '%s 0 \\000' \(id) >&8"
    }

    /// The streams of a command without input.
    private static let silent = "</dev/null >&7 2>&8 7>&- 8>&-"

    /// Returns a line that makes an idle shell report a status, even if the command has removed the hook.
    static func probe(id: String, status: Int32) -> [UInt8] { Array("__mm_end \(status) \(id)\n".utf8) }

    /// Returns a script that removes the folder of a shell that has ended.
    static func tidying(mark: String) -> String { "rm -rf \"${TMPDIR:-/tmp}/mm-sh-\(mark)\"" }

    /// Returns the beginning of a script that runs only on a shell's machine, which has the shell's folder.
    static func only(onMachineOf mark: String) -> String {
        "[ -d \"${TMPDIR:-/tmp}/mm-sh-\(mark)\" ] || { echo \(elsewhere); exit 94; }; "
    }

    /// What such a script prints on another machine.
    static let elsewhere = "mm-elsewhere"

    /// A script whose output begins with a line that nothing else prints: what the start-up files of a login shell
    /// print comes before it, and isn't the script's.
    struct Marked {
        let script: String
        private let line: String

        init(_ script: String) {
            line = "mm-answer-\(Hex.text(RandomBytes.make(8)))\n"
            self.script = "echo \(line)\(script)"
        }

        /// Returns the script's own output; everything if the script didn't start.
        func answer(in output: [UInt8]) -> [UInt8] {
            let line = Array(line.utf8)
            return ByteSearch.find(line, in: output).map { Array(output[($0 + line.count)...]) } ?? output
        }
    }

    /// Returns a text as one word of any POSIX shell.
    static func quoted(_ text: String) -> String {
        String(decoding: ShellSnapshot.quoted(Array(text.utf8)), as: UTF8.self)
    }

    /// Returns a script that signals the processes that a shell started: its process group, or its descendants and
    /// those of its session.
    static func signalling(shell: Int32, _ signal: String, group: Bool) -> String {
        if group { return "kill -s \(signal) -- -\(shell)" }
        return """
            if [ -r /proc/self/stat ]; then for f in /proc/[0-9]*/stat; do { IFS= read -r x <"$f"; } 2>/dev/null || continue; \
            p=${x%% *}; x=${x##*) }; set -- $x; echo "$p $2 $4"; done; \
            else ps -A -o pid= -o ppid= -o sid= || ps -A -o pid= -o ppid= -o pgid=; fi 2>/dev/null | { m=" \(shell) "; l=; while read -r p q s; do \
            l="$l$p:$q:$s "; done; for r in 1 2 3 4; do for e in $l; do p=${e%%:*}; t=${e#*:}; q=${t%%:*}; s=${t#*:}; \
            case $m in *" $p "*) ;; *) case $m in *" $q "*) m="$m$p " ;; *) [ "$s" = \(shell) ] && m="$m$p " ;; esac ;; esac; \
            done; done; for p in $m; do [ "$p" = \(shell) ] || kill -s \(signal) "$p"; done; } 2>/dev/null
            """
    }

    /// Returns a script that ends what a shell runs, and the shell. It is stopped first, so that it can't continue with
    /// its list: without a terminal a shell gives up its list only if SIGINT has ended a program.
    static func ending(shell: Int32) -> String {
        """
        kill -s STOP \(shell); \(signalling(shell: shell, "TERM", group: false))
        \(signalling(shell: shell, "CONT", group: false))
        sleep 0.5 2>/dev/null || sleep 1; \(signalling(shell: shell, "KILL", group: false))
        kill -s KILL -- -\(shell)
        """
    }

    /// Returns a script that interrupts what a shell runs, as Ctrl-C does, even if it is stopped.
    static func interrupting(shell: Int32) -> String {
        signalling(shell: shell, "INT", group: true) + "; " + signalling(shell: shell, "CONT", group: true)
    }

    /// Returns a script that interrupts once more those programs of a shell that end on SIGINT, because they don't
    /// catch, ignore or block it: a program that was just starting has lost the first one. `/proc/<id>/status` lists a
    /// process's signals as hexadecimal bit sets (proc(5)); hosts without it do nothing.
    static func interruptingAgain(shell: Int32) -> String {
        """
        for f in /proc/[0-9]*/stat; do { IFS= read -r x <"$f"; } 2>/dev/null || continue; \
        p=${x%% *}; x=${x##*) }; set -- $x; [ "$3" = \(shell) ] && [ "$p" != \(shell) ] || continue; \
        n=0; while read -r k v x; do case $k:$v in SigBlk:*[2367abef]|SigIgn:*[2367abef]|SigCgt:*[2367abef]) ;; \
        SigBlk:*|SigIgn:*|SigCgt:*) n=$((n+1)) ;; esac; done <"/proc/$p/status"; \
        [ $n != 3 ] || kill -s INT "$p"; done 2>/dev/null; :
        """
    }

    /// Returns a script that prints the stopped processes of a shell's session; the shell itself only if none of the
    /// processes that it started could resume it.
    static func stopped(shell: Int32) -> String {
        """
        if [ -r /proc/self/stat ]; then for f in /proc/[0-9]*/stat; do { IFS= read -r x <"$f"; } 2>/dev/null || continue; \
        p=${x%% *}; x=${x##*) }; set -- $x; echo "$p $2 $4 $1"; done; \
        else ps -A -o pid= -o ppid= -o sid= -o stat=; fi 2>/dev/null | { s=; n=; while read -r p q g t; do \
        case " $p $q $g " in *" \(shell) "*) ;; *) continue ;; esac; \
        case $p:$t in \(shell):T*) s=1 ;; \(shell):*|*:[ZX]*) ;; *:T*) echo "$p" ;; *) n=1 ;; esac; done; \
        [ -z "$s$n" ] || [ -n "$n" ] || echo \(shell); }
        """
    }

    /// Returns a script that kills what a shell left behind: its session, if its process still carries the mark, and
    /// every other process that carries it.
    static func sweep(shell: Int32, mark: String) -> String {
        """
        m=MM_SHELL_ID=\(mark); if grep -qzxF "$m" /proc/\(shell)/environ 2>/dev/null; then
        \(signalling(shell: shell, "KILL", group: false)); kill -s KILL -- -\(shell) 2>/dev/null; fi
        for r in 1 2; do for f in $(grep -lzxF "$m" /proc/[0-9]*/environ 2>/dev/null); do
        p=${f#/proc/}; kill -s KILL "${p%/environ}" 2>/dev/null; done; done
        """
    }
}

extension RemoteDialect {
    /// The program that is started in a terminal on the host: it prints the terminal's name, gives up the terminal if
    /// it can, and waits until the terminal is gone. A process that has given up its terminal isn't told of its end, so
    /// it polls.
    ///
    /// Only the first process of a terminal's session can give it up (tty_ioctl(4), TIOCNOTTY), which needs a language
    /// with system calls. `1` means that it did.
    /// - Parameter condition: the beginning of the script.
    static func holdingTerminal(_ condition: String) -> String {
        let perl =
            #"$SIG{HUP}="IGNORE"; $r=ioctl(STDIN,0x5422,0)?1:0; $|=1; print "mm-terminal $ARGV[0] $r\n"; sleep 2 while -t STDIN"#
        let python =
            "import fcntl,os,signal,sys,time\nsignal.signal(signal.SIGHUP,signal.SIG_IGN)\nfcntl.ioctl(0,0x5422)\n"
            + #"os.write(1,("mm-terminal "+sys.argv[1]+" 1\n").encode())"# + "\nwhile os.isatty(0): time.sleep(2)"
        let script = """
            \(condition)trap '' HUP INT QUIT TSTP; t=$(tty) || exit 1; stty -echo; if [ "$(uname)" = Linux ]; then \
            perl -e 1 </dev/null >/dev/null 2>&1 && exec perl -e \(quoted(perl)) "$t"; \
            python3 -c 1 </dev/null >/dev/null 2>&1 && exec python3 -c \(quoted(python)) "$t"; fi; \
            echo "mm-terminal $t 0"; while [ -t 0 ]; do sleep 2; done
            """
        return command(script)
    }

    /// Returns what the process in the terminal printed; `nil` until it has.
    static func terminal(in said: [UInt8]) -> (path: String, isFree: Bool)? {
        let text = String(decoding: said, as: UTF8.self)
        for line in text.split(whereSeparator: \.isNewline).dropLast(text.hasSuffix("\n") ? 0 : 1) {
            let words = line.split(separator: " ")
            // The name becomes part of lines that the shell reads.
            guard words.count == 3, words[0] == "mm-terminal", words[1].hasPrefix("/dev/"),
                words[1].utf8.allSatisfy({ byte in
                    byte == 0x2F || byte == 0x2E || (0x30...0x39).contains(byte)
                        || (0x61...0x7A).contains(byte | 0x20)
                })
            else { continue }
            return (String(words[1]), words[2] == "1")
        }
        return nil
    }

    /// Returns the redirections of a command that reads a terminal.
    static func streams(_ input: ShellCommand.Input, terminal: String) -> String {
        input == .screen
            ? "<\(terminal) >\(terminal) 2>\(terminal) 7>&- 8>&-" : "<\(terminal) >&7 2>&8 7>&- 8>&-"
    }

    /// Returns the line that sets a terminal to what commands expect: line mode, echo and signals on; line ends are
    /// translated only for a full-screen program, since other output must stay exact. The shell leads its session and
    /// has no terminal, so opening this one makes it the session's (tty(4)).
    ///
    /// Every mode is set explicitly, because ssh transmits none for a client without a terminal.
    static func preparing(
        _ terminal: String, isScreen: Bool, size: ShellCommand.Size?, isBash: Bool
    ) -> String {
        let kind = kind(isBash: isBash)
        return "\(kind.calling("export")) TERM=\(isScreen ? "xterm" : "dumb"); \(kind.calling(":")) <>\(terminal); "
            + "\(kind.starting("stty")) icanon isig iexten echo echoe echok icrnl -ixon \(isScreen ? "opost onlcr" : "-opost") "
            + "rows \(size?.rows ?? 24) cols \(size?.columns ?? 80) intr '^C' quit '^\\' "
            + "erase '^?' kill '^U' eof '^D' susp undef <\(terminal) >/dev/null 2>&1; "
    }

    /// Returns the command that changes a terminal's size; the kernel there tells the programs in it.
    static func resizing(_ terminal: String, to size: ShellCommand.Size) -> String {
        "stty rows \(size.rows) cols \(size.columns) <\(terminal)"
    }

    /// Returns the line that marks the end of what a command wrote to its terminal.
    static func marking(_ terminal: String, _ mark: String, isBash: Bool) -> [UInt8] {
        Array("\(kind(isBash: isBash).printf) '\\033]mm;%s\\007' \(mark) >\(terminal)\n".utf8)
    }

    /// Returns the bytes that `marking` writes.
    static func mark(_ word: String) -> [UInt8] { Array("\u{1B}]mm;\(word)\u{7}".utf8) }

    /// Returns a script that prints whether a process of the shell's session reads the terminal, and whether typed text
    /// is hidden: `reads 1 hidden 0`. If the system doesn't reveal it (other systems, processes of other users), it
    /// prints `reads 0`.
    ///
    /// The numbers are those of the system calls that read and wait; where the call isn't readable, the kernel's wait
    /// channel is used.
    static func asking(shell: Int32, terminal: String) -> String {
        """
        r=0; m=$(uname -m); for d in /proc/[0-9]*; do { IFS= read -r x <"$d/stat"; } 2>/dev/null || continue; x=${x##*) }; \
        set -- $x; [ "$4" = \(shell) ] || continue; \
        if { IFS=' ' read -r n f x <"$d/syscall"; } 2>/dev/null; then n=$m:$n; else read -r n <"$d/wchan"; fi 2>/dev/null; \
        case $n in x86_64:0|aarch64:63) f=$((f)) ;; wait_woken|n_tty_read) f=0 ;; \
        x86_64:7|x86_64:23|x86_64:232|x86_64:270|x86_64:271|x86_64:281|aarch64:72|aarch64:73|aarch64:22) f=0 ;; \
        *) continue ;; esac; \
        case $(readlink "$d/fd/$f") in \(terminal)|/dev/tty) r=1; break ;; esac; done; \
        h=0; case $(stty -a <\(terminal)) in *-icanon*) ;; *-echo\\ *) h=1 ;; esac; echo "reads $r hidden $h"
        """
    }
}
