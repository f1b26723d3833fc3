import MMCore

/// The meaning of ssh's own messages.
enum SSHFailure {
    /// Returns the error for a connection that couldn't be made or was lost.
    static func error(_ messages: String, name: String, target: SSHTarget) -> MMError {
        let cause = messages.split(whereSeparator: \.isNewline).suffix(12).joined(separator: "\n")
        func says(_ words: String) -> Bool { messages.contains(words) }
        if says("REMOTE HOST IDENTIFICATION HAS CHANGED") || says("Offending") {
            return MMError(
                .forbidden, "The host key of \(name) has changed: another machine may be impersonating it.",
                hint:
                    "Ask its administrator for the new fingerprint. If it is right, remove the old key with \(removal(of: target, messages)) and connect again.",
                details: ["reason": "host_key_changed"], cause: cause)
        }
        if says("Host key verification failed") || says("No matching host key") && says("known_hosts")
            || says("No ED25519 host key is known") || says("host key is known")
        {
            return untrusted(name, target, cause)
        }
        if isExpiredPassword(messages) { return expiredPassword(name, target, cause) }
        if says("Permission denied") || says("Too many authentication failures") {
            let takesPassword = takesPassword(messages)
            if !takesPassword, says("Too many authentication failures") { return tooManyKeys(name, cause) }
            return MMError(
                .forbidden, "\(name) did not accept the sign-in.",
                hint: target.password != nil || target.passphrase != nil
                    ? "Check user name, password and passphrase."
                    : "Check the user name, and that its key is in the agent, in ssh_config or given."
                        + (takesPassword
                            ? " It also accepts passwords: a person at a terminal is asked for one; otherwise store it as a secret and set password_secret."
                            : ""),
                details: JSONObject(
                    [("reason", "authentication")] + (takesPassword ? [("takesPassword", .string(name))] : [])),
                cause: cause)
        }
        if says("Could not resolve hostname") {
            return MMError(
                .notFound, "The host name \(target.host) is unknown.",
                hint: "Check its spelling, or add an alias to ssh_config.", cause: cause)
        }
        if says("Bad configuration option") || says("terminating, ") || says("Bad owner or permissions") {
            return MMError(
                .invalidInput, "The ssh configuration is not valid.",
                hint: "Read the message and correct the file.", cause: cause)
        }
        // ssh knows no address of a host that it reaches through another program.
        if says("UNKNOWN port") { return wayThere(messages, name, target, cause) }
        if says("Connection refused") || says("No route to host") || says("Network is unreachable") || says("timed out")
            || says("Connection closed") || says("Connection reset")
        {
            return MMError(
                .unavailable, "\(name) can't be reached: \(lastLine(messages)).",
                hint: "Check that the host is up and that its SSH server listens on this port.", retry: .now,
                cause: cause)
        }
        return MMError(
            .unavailable, "The connection to \(name) failed: \(lastLine(messages)).",
            hint: "Try the same with `\(ssh(to: target, "-v"))`.", retry: .now, cause: cause)
    }

    /// Returns the error for a host that can't be reached through its jump host or `ProxyCommand`, with the last words
    /// of that.
    private static func wayThere(_ messages: String, _ name: String, _ target: SSHTarget, _ cause: String) -> MMError {
        let own = messages.split(whereSeparator: \.isNewline).filter {
            !$0.contains("UNKNOWN port") && !$0.hasPrefix("kex_exchange_identification")
        }
        let told = own.isEmpty ? "" : ": " + lastLine(own.joined(separator: "\n"))
        return MMError(
            .unavailable, "\(name) can't be reached through its jump host or ProxyCommand\(told).",
            hint:
                "Check that, and that the SSH server behind it answers. Try the same with `\(ssh(to: target, "-v"))`.",
            retry: .now, cause: cause)
    }

    /// Returns the error for a host that ended the sign-in before ssh had tried every key: the right one may be left.
    private static func tooManyKeys(_ name: String, _ cause: String) -> MMError {
        MMError(
            .forbidden, "\(name) ended the sign-in after too many keys.",
            hint:
                "The agent may hold the right key, but others were tried first: give the path of the right one (--key), or set IdentityFile and IdentitiesOnly yes for this host in ssh_config.",
            details: ["reason": "authentication"], cause: cause)
    }

    private static func expiredPassword(_ name: String, _ target: SSHTarget, _ cause: String) -> MMError {
        MMError(
            .forbidden, "The password for \(name) has expired.",
            hint: "Sign in once with `\(ssh(to: target))` in a terminal and choose a new one.",
            details: ["reason": "password_expired"], cause: cause)
    }

    private static func untrusted(_ name: String, _ target: SSHTarget, _ cause: String) -> MMError {
        if target.isPinned {
            return MMError(
                .forbidden, "The host key of \(name) differs from the pinned key.",
                hint: "Ask its administrator for the fingerprint; nothing was sent.",
                details: ["reason": "host_key_not_pinned"], cause: cause)
        }
        return MMError(
            .forbidden, "The host key of \(name) is unknown.",
            hint:
                "A person can compare its fingerprint (`\(ssh(to: target))` shows it and asks), or accept it without checking: --accept-new.",
            details: ["reason": "host_key_unknown"], cause: cause)
    }

    /// Returns whether the sign-in methods that the host names, as in `Permission denied (publickey,password).`,
    /// include a password.
    private static func takesPassword(_ messages: String) -> Bool {
        if messages.contains("Permission denied, please try again") { return true }
        guard let start = messages.firstRange(of: "Permission denied (")?.upperBound else { return false }
        let ways = messages[start...].prefix { $0 != ")" }.split(separator: ",")
        return ways.contains("password") || ways.contains("keyboard-interactive")
    }

    /// Returns whether the host rejected the password, or requires that it is changed first.
    static func isRefusedPassword(_ messages: String) -> Bool {
        messages.contains("Permission denied, please try again") || isExpiredPassword(messages)
    }

    private static func isExpiredPassword(_ messages: String) -> Bool {
        messages.contains("password has expired") || messages.contains("Password change required")
            || messages.contains("required to change your password")
    }

    /// Returns whether a channel's messages say that the host opens no more channels over its connection
    /// (sshd_config(5), MaxSessions).
    static func isRefusedChannel(_ words: String) -> Bool {
        words.contains("refused by peer") || words.contains("open failed")
    }

    /// Returns the error for a host that opens no more channels over a connection.
    static func noChannel(_ name: String) -> MMError {
        MMError(
            .limitExceeded, "\(name) refused to open another channel.",
            hint: "Close sessions on this host, or allow more there (MaxSessions in sshd_config).")
    }

    /// Returns the error for a further connection that leads to another machine than the shell's.
    static func elsewhere(_ name: String) -> MMError {
        MMError(
            .unavailable, "A further connection to \(name) led to another machine than the session's.",
            hint: "Name one machine, or allow more channels per connection there (MaxSessions in sshd_config).",
            details: ["reason": "another_machine"])
    }

    /// Returns the error for a key that the host would accept but that can't be read without its passphrase.
    static func closedKey(_ key: String, name: String, _ problem: MMError) -> MMError {
        var told = problem
        told.message = "\(name) did not accept the sign-in: the key \(key) needs its passphrase."
        told.hint =
            "Add the key to the agent (ssh-add \(key)), or store the passphrase as a secret and set passphrase_secret."
        told.details["reason"] = "passphrase"
        told.details["key"] = .string(key)
        return told
    }

    /// Returns the error for a sign-in at which the host asks for more than a password.
    static func question(_ question: String, name: String, target: SSHTarget) -> MMError {
        if isExpiredPassword(question) { return expiredPassword(name, target, question) }
        let words = VisibleText.exact(question.split(whereSeparator: \.isNewline).joined(separator: " · "))
        return MMError(
            .forbidden, "\(name) asks a further question at the sign-in: “\(words)”",
            hint:
                "A person at a terminal is asked it, and can answer. For other callers use an account that signs in with a key or a password alone.",
            details: ["reason": "question", "question": .string(question)])
    }

    /// Returns the error for a connection that is open but over which nothing comes back.
    static func silent(_ name: String) -> MMError {
        MMError(
            .deadlineExceeded, "\(name) did not answer in time.", hint: "Check the host and the network.",
            retry: .now)
    }

    /// Returns the error for a host that started no shell that takes commands: a restricted one, none at all, no POSIX
    /// shell, or none before an expired password is changed, which also affects those who sign in with a key.
    /// - Parameter words: what the program printed.
    static func noShell(_ name: String, words: String, hasEnded: Bool, target: SSHTarget) -> MMError {
        if hasEnded, isExpiredPassword(words) { return expiredPassword(name, target, words) }
        let lines = words.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " · ")
        let said = lines.isEmpty ? "" : " Output: \(lines)"
        return MMError(
            .unavailable,
            (hasEnded
                ? "The login shell of \(name) ended instead of running /bin/sh."
                : "The shell of \(name) did not answer like a POSIX shell.") + said,
            hint: hasEnded
                ? "The account may have no shell, or one for other purposes. Commands need one: use another account, or --device for its own commands. If it has SFTP, files can be read and written (`mm ssh read`, `write`, `upload`, `download`); `sftp` lists and removes them."
                : "For network equipment and other systems use --device.",
            details: ["reason": "no_shell"], cause: words.isEmpty ? nil : words)
    }

    /// Returns the error for what needs a shell, with an account that reaches only files.
    static func filesAlone(_ name: String) -> MMError {
        MMError(
            .unavailable, "The account on \(name) has no shell: only its files can be read and written, by SFTP.",
            hint: "Use another account.", details: ["reason": "no_shell"])
    }

    /// Returns the command that removes a known key, with the name and the file that ssh itself names: because of a
    /// port, an alias or a configured file of known hosts, they may differ from the target's.
    static func removal(of target: SSHTarget, _ messages: String) -> String {
        var name = target.port.map { $0 == 22 ? target.host : "[\(target.host)]:\($0)" } ?? target.host
        var file: String?
        for line in messages.split(whereSeparator: \.isNewline) {
            if let start = line.firstRange(of: "Host key for ")?.upperBound,
                let end = line.firstRange(of: " has changed and you have requested")?.lowerBound, start < end
            {
                name = String(line[start..<end])
            } else if line.hasPrefix("Offending "), let start = line.firstRange(of: " key in ")?.upperBound,
                let end = line.lastIndex(of: ":"), start < end
            {
                file = String(line[start..<end])
            }
        }
        return
            (["ssh-keygen"] + (file.map { ["-f", RemoteDialect.quoted($0)] } ?? [])
            + ["-R", RemoteDialect.quoted(name)]).joined(separator: " ")
    }

    /// Returns the command with which a person reaches the host without this program.
    private static func ssh(to target: SSHTarget, _ option: String? = nil) -> String {
        var words = ["ssh"]
        if let option { words.append(option) }
        if let port = target.port { words += ["-p", String(port)] }
        if let jump = target.jump { words += ["-J", jump] }
        words.append((target.user.map { $0 + "@" } ?? "") + target.host)
        return words.map(ShellWord.quoted).joined(separator: " ")
    }

    /// Returns the last message, for the end of a sentence.
    private static func lastLine(_ messages: String) -> String {
        guard let line = messages.split(whereSeparator: \.isNewline).last else { return "no output from ssh" }
        return String(line.hasSuffix(".") ? line.dropLast() : line)
    }
}
