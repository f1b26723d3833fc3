import Glibc
package import MMCore
import MMSystem
import ShellSyntax

/// The commands that a shell session may run, as a security file defines them.
///
/// It is a guard rail against accidents and simple tricks, not a security boundary: a listed interpreter, editor or
/// archiver can do whatever its user can. The boundaries are the sandbox profiles. Nothing in a session can change a
/// policy.
package struct ShellPolicy: Sendable {
    /// Whether commands are judged at all.
    package var isEnabled: Bool
    /// The only programs and builtins that may be used; `nil` for any.
    package var allowedExecutables: Set<String>?
    /// Regular expressions that no command may match.
    package var blockedPatterns: [String] { patterns.map(\.pattern) }
    /// The maximum time of a command; a longer one is shortened to it.
    package var maximumTime: Duration?
    /// The maximum number of bytes of a stream that are returned.
    package var maximumOutput: Int?
    /// The directory in which the session starts, and below which commands may redirect output.
    package var workingDirectory: String?
    /// Where refusals and commands are recorded: a file, or the usual audit log for `true`.
    package var audit: Audit
    let patterns: [RegularExpression]

    /// Where commands are recorded.
    package enum Audit: Sendable, Hashable {
        /// Nowhere.
        case off
        /// In the program's audit log.
        case standard
        /// In this file.
        case file(String)
    }

    /// The policy that lets every command run.
    package static let open = ShellPolicy()

    private init() {
        isEnabled = false
        audit = .off
        patterns = []
    }

    /// Reads a security file.
    /// - Parameters:
    ///   - path: the file; its key `security` contains the settings.
    /// - Throws: `.notFound`, or `.invalidInput` with the line or key: a policy that can't be understood permits
    ///   nothing.
    package static func read(_ path: String) throws(MMError) -> ShellPolicy {
        try ShellPolicy(yaml: try bytes(of: path), name: path)
    }

    /// Returns the bytes of a security file.
    /// - Throws: `.notFound`, `.limitExceeded`.
    package static func bytes(of path: String) throws(MMError) -> [UInt8] {
        // The file may belong to the administrator and be in a mounted folder, so it is only opened for reading.
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(file.raw, &room, room.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError.error("Reading \(path)") }
            if count == 0 { break }
            bytes += room[..<count]
            guard bytes.count <= 1 << 20 else {
                throw MMError(
                    .limitExceeded, "\(path) is larger than 1 MiB.", hint: "Check that it is the security file.")
            }
        }
        return bytes
    }

    /// Reads the text of a security file.
    /// - Throws: `.invalidInput` naming the line or key.
    package init(yaml bytes: [UInt8], name: String = "the security file") throws(MMError) {
        let entries = try ShellPolicyEntries(yaml: bytes, name: name)
        isEnabled = try entries.isEnabled()
        let names = try entries.texts("allowed_executables")
        allowedExecutables = names.isEmpty ? nil : Set(names)
        patterns = try entries.patterns("blocked_patterns")
        maximumTime = try entries.number("max_execution_time").map { .milliseconds(Int64($0 * 1000)) }
        maximumOutput = try entries.number("max_output_size").map { Int($0) }
        if case .scalar(let user, _)? = entries.value("run_as_user"), !user.isEmpty, user != Self.currentUser {
            throw entries.wrong("“run_as_user” is “\(user)”, and this program runs as \(Self.currentUser)")
        }
        switch entries.value("working_directory") {
        case nil: workingDirectory = nil
        case .scalar(let path, _) where path.hasPrefix("/"): workingDirectory = path
        default: throw entries.wrong("“working_directory” isn't an absolute path")
        }
        audit = try entries.audit()
    }

    private static var currentUser: String { ThisProcess.accountName ?? String(geteuid()) }

    /// Returns a deadline that respects the policy's limit.
    package func deadline(_ wanted: Deadline) -> Deadline {
        guard isEnabled, let maximumTime else { return wanted }
        return min(wanted, .after(maximumTime))
    }

    /// Returns a command whose output is limited to what the policy allows.
    func bounded(_ command: ShellCommand) -> ShellCommand {
        guard isEnabled, let maximumOutput else { return command }
        var command = command
        command.limits.head = min(command.limits.head, maximumOutput)
        command.limits.tail = min(command.limits.tail, maximumOutput - command.limits.head)
        return command
    }
}

extension ShellPolicy {
    /// The result of judging a command's text. Where it may write is judged when it is run.
    package struct Admission: Sendable, Hashable {
        /// The command.
        package let text: String
        /// The policy under which it was judged.
        fileprivate let policy: Terms?
        fileprivate let outputs: [ShellScript.Redirection]
        /// Whether the command changes its directory before it writes.
        fileprivate let moves: Bool
    }

    /// The parts of a policy that decide about a text.
    fileprivate struct Terms: Sendable, Hashable {
        let executables: Set<String>?
        let patterns: [String]
        let root: String?
    }

    private var terms: Terms? {
        isEnabled ? Terms(executables: allowedExecutables, patterns: blockedPatterns, root: workingDirectory) : nil
    }

    /// Judges a command before it runs.
    /// - Parameters:
    ///   - command: the text.
    ///   - directory: the directory in which it would run, for redirections with relative names.
    /// - Returns: the result, so that the same text needn't be judged again.
    /// - Throws: `.denied`, with the rule (`details["rule"]`) and what to do instead. A command that can't be parsed is
    ///   denied.
    @discardableResult
    package func check(_ command: String, directory: String) throws(MMError) -> Admission {
        let admission = try admit(command)
        try check(admission, directory: directory)
        return admission
    }

    /// Judges a command where it is run; its text only if it hasn't been judged under the same policy.
    package func check(_ command: ShellCommand, directory: String) throws(MMError) {
        if let admission = command.admission, admission.text == command.text, admission.policy == terms {
            return try check(admission, directory: directory)
        }
        try check(command.text, directory: directory)
    }

    /// Judges the files to which an admitted command writes.
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
        // The patterns match the raw text; the parser resolves quotes and backslashes.
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
            // Quotes must not hide what a pattern forbids.
            let plain = command.words.map(\.value).joined(separator: " ")
            for matcher in patterns where matcher.matches(in: plain) != false {
                throw Self.denied("blocked_patterns", "the command matches the blocked pattern “\(matcher.pattern)”")
            }
        }
        return admission(
            script.commands.flatMap(\.redirections).filter { $0.kind == .output || $0.kind == .append },
            moves: script.commands.contains { ["cd", "pushd", "popd"].contains($0.name) })
    }

    /// Builtins that would change the meaning of a later command, or run a text.
    static let never: Set<String> = [
        ".", "source", "eval", "exec", "trap", "command", "builtin", "enable", "alias", "unalias", "hash", "set",
        "shopt", "setopt", "unsetopt", "emulate", "declare", "typeset", "local", "readonly", "export", "unset", "let",
        "read", "readarray", "mapfile", "getopts", "autoload", "zmodload", "bindkey", "functions",
        "disable", "rehash", "complete", "compgen", "fc", "history", "bg", "fg", "disown", "suspend", "coproc",
    ]

    /// Programs that run another program given in their arguments.
    private static let wrappers: Set<String> = [
        "env", "nice", "nohup", "timeout", "xargs", "sudo", "doas", "su", "time", "stdbuf", "setsid", "ionice",
        "chroot", "watch", "parallel", "script", "unshare", "nsenter", "strace", "ltrace", "gdb", "busybox", "flock",
        "runuser", "pkexec", "chrt", "taskset", "prlimit", "setpriv", "systemd-run", "at", "batch", "crontab",
    ]

    private func judge(_ command: ShellScript.Command, _ allowed: Set<String>) throws(MMError) {
        let name = command.name
        if Self.never.contains(name) {
            throw Self.denied("builtin", "“\(name)” could change the meaning of later commands")
        }
        let base = name.split(separator: "/").last.map(String.init) ?? name
        if Self.wrappers.contains(base) {
            throw Self.denied(
                "wrapper", "“\(name)” starts other programs", hint: "Use the program directly, without “\(name)”.")
        }
        // A path is admitted only if the list contains that very path: another file may have the same name.
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
            throw Self.denied("redirection", "output goes to “\(target)”, and the policy has no working_directory")
        }
        guard target.hasPrefix("/") || !moves else {
            throw Self.denied(
                "redirection", "output goes to “\(target)” in a command that changes the directory",
                hint: "First change the directory in a separate command.")
        }
        let path = target.hasPrefix("/") ? target : directory + "/" + target
        guard Self.isInside(path, root) else {
            throw Self.denied(
                "redirection", "output goes to “\(target)”, outside \(root)", hint: "Write below \(root).")
        }
    }

    /// Returns whether a file is, or would be, below a folder when all links are followed.
    static func isInside(_ path: String, _ root: String) -> Bool {
        guard let realRoot = RealPath.of(root) else { return false }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != ".." else { return false }
        var info = stat()
        if lstat(path, &info) == 0 {
            guard let real = RealPath.of(path) else { return false }
            return real.hasPrefix(realRoot == "/" ? "/" : realRoot + "/")
        }
        let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        guard let real = RealPath.of(parent.isEmpty ? "/" : parent) else { return false }
        return RealPath.lies(real, in: realRoot)
    }

    /// Returns a refusal in the words that clients look for.
    private static func denied(_ rule: String, _ reason: String, hint: String? = nil) -> MMError {
        MMError(
            .denied, "Security validation failed: \(reason).", hint: hint, details: ["rule": .string(rule)])
    }
}
