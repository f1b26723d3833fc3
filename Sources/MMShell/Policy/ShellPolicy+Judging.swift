import Glibc
public import MMCore
import MMSystem
import ShellSyntax

extension ShellPolicy {
    /// A command that this policy lets run, as far as its text goes: where it may write is judged where it runs.
    public struct Admission: Sendable, Hashable {
        /// The command.
        public let text: String
        /// What lets it run.
        fileprivate let policy: Terms?
        fileprivate let outputs: [ShellScript.Redirection]
        /// Whether it goes elsewhere before it writes.
        fileprivate let moves: Bool
    }

    /// What tells one policy from another.
    fileprivate struct Terms: Sendable, Hashable {
        let executables: Set<String>?
        let patterns: [String]
        let root: String?
    }

    private var terms: Terms? {
        isEnabled ? Terms(executables: allowedExecutables, patterns: blockedPatterns, root: workingDirectory) : nil
    }

    /// Judges a command before it is run.
    /// - Parameters:
    ///   - command: the text.
    ///   - directory: where it would run; for redirections with relative names.
    /// - Returns: what spares another judgement of the same text.
    /// - Throws: `.denied`, with the rule (`details["rule"]`) and what to do instead. What can't be read is denied.
    @discardableResult
    public func check(_ command: String, directory: String) throws(MMError) -> Admission {
        let admission = try admit(command)
        try check(admission, directory: directory)
        return admission
    }

    /// Judges a command where it is run, its text only where nobody has done so under the same policy.
    package func check(_ command: ShellCommand, directory: String) throws(MMError) {
        if let admission = command.admission, admission.text == command.text, admission.policy == terms {
            return try check(admission, directory: directory)
        }
        try check(command.text, directory: directory)
    }

    /// Judges where an admitted command writes.
    private func check(_ admission: Admission, directory: String) throws(MMError) {
        for redirection in admission.outputs {
            try judge(redirection, directory: directory, moves: admission.moves)
        }
    }

    /// Judges the text of a command.
    private func admit(_ command: String) throws(MMError) -> Admission {
        func admission(_ outputs: [ShellScript.Redirection] = [], moves: Bool = false) -> Admission {
            Admission(text: command, policy: terms, outputs: outputs, moves: moves)
        }
        guard isEnabled else { return admission() }
        // The patterns see the text as it is; the parser sees through quotes and backslashes.
        for matcher in patterns {
            switch matcher.matches(in: command) {
            case false: continue
            case true:
                throw Self.denied("blocked_patterns", "the command matches the blocked pattern “\(matcher.pattern)”")
            case nil:
                throw Self.denied(
                    "blocked_patterns", "matching the pattern “\(matcher.pattern)” takes too many steps",
                    hint: "Shorten the command, or simplify the pattern.")
            }
        }
        guard let allowed = allowedExecutables else { return admission() }
        let script: ShellScript
        do throws(ShellRefusal) {
            script = try ShellScript.parse(command)
        } catch {
            throw Self.denied(
                "grammar", "the command contains \(error)",
                hint: "Under an allow list only plain commands are run, with quoted or literal words, |, &&, ||, ; and "
                    + "redirections to files.")
        }
        for command in script.commands {
            try judge(command, allowed)
            // What a pattern forbids must not hide behind quotes.
            let plain = command.words.map(\.value).joined(separator: " ")
            for matcher in patterns where matcher.matches(in: plain) != false {
                throw Self.denied("blocked_patterns", "the command matches the blocked pattern “\(matcher.pattern)”")
            }
        }
        return admission(
            script.commands.flatMap(\.redirections).filter { $0.kind == .output || $0.kind == .append },
            moves: script.commands.contains { ["cd", "pushd", "popd"].contains($0.name) })
    }

    /// Builtins that would let a later command mean something else than it says, or run a text.
    static let never: Set<String> = [
        ".", "source", "eval", "exec", "trap", "command", "builtin", "enable", "alias", "unalias", "hash", "set",
        "shopt", "setopt", "unsetopt", "emulate", "declare", "typeset", "local", "readonly", "export", "unset", "let",
        "read", "readarray", "mapfile", "getopts", "autoload", "zmodload", "bindkey", "functions",
        "disable", "rehash", "complete", "compgen", "fc", "history", "bg", "fg", "disown", "suspend", "coproc",
    ]

    /// Programs that run what they are told to.
    private static let wrappers: Set<String> = [
        "env", "nice", "nohup", "timeout", "xargs", "sudo", "doas", "su", "time", "stdbuf", "setsid", "ionice",
        "chroot", "watch", "parallel", "script", "unshare", "nsenter", "strace", "ltrace", "gdb", "busybox", "flock",
        "runuser", "pkexec", "chrt", "taskset", "prlimit", "setpriv", "systemd-run", "at", "batch", "crontab",
    ]

    private func judge(_ command: ShellScript.Command, _ allowed: Set<String>) throws(MMError) {
        let name = command.name
        if Self.never.contains(name) {
            throw Self.denied("builtin", "“\(name)” could change what later commands mean")
        }
        let base = name.split(separator: "/").last.map(String.init) ?? name
        if Self.wrappers.contains(base) {
            throw Self.denied(
                "wrapper", "“\(name)” starts other programs", hint: "Name the program itself, without “\(name)”.")
        }
        // A path counts only where the list holds that very path: another file may have the same name.
        guard allowed.contains(name) else {
            throw Self.denied(
                "allowed_executables", "“\(name)” is not one of the allowed executables",
                hint: "Allowed are \(allowed.sorted().joined(separator: ", ")).")
        }
        if base == "find", let word = command.arguments.first(where: { Self.isFindAction($0.value) }) {
            throw Self.denied("wrapper", "find's “\(word.value)” starts other programs or changes files")
        }
        if base == "printf", command.arguments.first?.value == "-v" {
            throw Self.denied("builtin", "“printf -v” sets variables")
        }
    }

    private static func isFindAction(_ word: String) -> Bool {
        ["-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls"].contains(word)
    }

    private func judge(_ redirection: ShellScript.Redirection, directory: String, moves: Bool) throws(MMError) {
        let target = redirection.target.value
        if target == "/dev/null" { return }
        guard let root = workingDirectory else {
            throw Self.denied("redirection", "output goes to “\(target)”, and the policy names no working_directory")
        }
        guard target.hasPrefix("/") || !moves else {
            throw Self.denied(
                "redirection", "output goes to “\(target)” in a command that changes the directory",
                hint: "Change the directory in a command of its own first.")
        }
        let path = target.hasPrefix("/") ? target : directory + "/" + target
        guard Self.isInside(path, root) else {
            throw Self.denied(
                "redirection", "output goes to “\(target)”, outside \(root)", hint: "Write below \(root).")
        }
    }

    /// Whether a file lies, or would lie, below a folder when all links are followed.
    static func isInside(_ path: String, _ root: String) -> Bool {
        guard let realRoot = resolved(root) else { return false }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != ".." else { return false }
        var info = stat()
        if lstat(path, &info) == 0 {
            guard let real = resolved(path) else { return false }
            return real.hasPrefix(realRoot == "/" ? "/" : realRoot + "/")
        }
        let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        guard let real = resolved(parent.isEmpty ? "/" : parent) else { return false }
        return real == realRoot || real.hasPrefix(realRoot == "/" ? "/" : realRoot + "/")
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// A refusal in the words that clients look for.
    private static func denied(_ rule: String, _ reason: String, hint: String? = nil) -> MMError {
        MMError(
            .denied, "Security validation failed: \(reason).", hint: hint, details: ["rule": .string(rule)])
    }
}
