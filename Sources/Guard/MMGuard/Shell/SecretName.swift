import MMCore
import ShellSyntax

/// The names by which a command picks some of what a program could show.
enum SecretName {
    /// Returns whether a text picks something by its name, and nothing whose name is that of a secret. The names of a
    /// template or filter are the last ones of its paths: `{{.State.Status}}`, `.[0].Mounts`.
    /// - Parameter isFilter: whether the text is a program of `jq` or alike.
    static func isPlain(_ text: String, isFilter: Bool = false) -> Bool {
        let words = text.split { !($0.isLetter || $0.isNumber || "_.-/".contains($0)) }
        let isTemplate = isFilter || text.contains("{{")
        let names =
            isTemplate
            ? words.filter { $0.hasPrefix(".") && $0.contains(where: \.isLetter) }.compactMap {
                $0.split(separator: ".").last
            }
            : words.filter { $0.count { $0.isLetter } > 1 }
        return !names.isEmpty && !names.contains { isSecret($0) || isTemplate && $0 == "Config" }
    }

    /// Returns whether a part of a name says that its value is secret: `DB_PASSWORD`, `requirepass`, `Environment`.
    static func isSecret(_ name: some StringProtocol) -> Bool {
        name.lowercased().split { !$0.isLetter }.contains { part in
            ShellWords.contains(String(part), in: "secret-nouns") || part.contains("passw")
                || ["pass", "auth", "key", "token", "secret"].contains(where: part.hasSuffix)
        }
    }
}

extension SecretName {
    /// Returns whether a word is the name of a setting whose value is secret: written in capitals, or ending with the
    /// name of a secret.
    static func isSecretSetting(_ word: String) -> Bool {
        guard word.allSatisfy({ $0.isLetter || $0.isNumber || "_:-".contains($0) }), isSecret(word) else {
            return false
        }
        return word == word.uppercased() || word.split { "_:-".contains($0) }.last.map(isSecret) == true
    }

    /// Returns whether a program of `jq` or alike shows the environment, or what has the name of a secret there: `env`,
    /// `$ENV.DB_PASSWORD`, `strenv(KEY)`.
    static func showsEnvironment(_ filter: String) -> Bool {
        var rest = filter[...]
        while let found = ["$ENV", "env"].compactMap({ rest.firstRange(of: $0) }).min(by: {
            $0.lowerBound < $1.lowerBound
        }) {
            let before = filter[..<found.lowerBound].last
            let behind = rest[found.upperBound...]
            rest = behind
            // `.env` is a member of the data.
            let isAlone = before.map { !($0.isLetter || $0.isNumber || "_.\"'$".contains($0)) } ?? true
            let isFunction = filter[..<found.lowerBound].hasSuffix("str")
            guard isAlone || isFunction,
                behind.first.map({ !($0.isLetter || $0.isNumber || "_:".contains($0)) }) ?? true
            else { continue }
            guard let sign = behind.first, ".([".contains(sign) else { return true }
            let name = behind.dropFirst().drop { "\"' [(".contains($0) }.prefix {
                $0.isLetter || $0.isNumber || $0 == "_"
            }
            if name.isEmpty || isSecret(name) { return true }
        }
        return false
    }
}

extension ShellJudge {
    /// Returns whether a command shows a file from another place or from history whose name says that it holds
    /// settings: `git show HEAD:.env`, `gsutil cat gs://b/.env`.
    func showsStoredSettings(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        guard ShellPrograms.verbs(words).prefix(3).contains(where: { ShellWords.contains($0, in: "showing-verbs") })
        else {
            return false
        }
        return words.contains { word in
            word.contains(where: { ":/".contains($0) })
                && word.split(separator: ":").last.map { Self.isSettings(String($0)) } == true
        }
    }

    /// Returns whether a command on a host shows the settings or memory of other programs wholesale, and so their
    /// passwords: neither it nor a filter behind it picks some by their names. In a workspace the settings are the
    /// project's, so only a filter that picks the secrets counts; the session's own environment has none.
    func showsAll(_ call: ShellScript.Command) -> Bool {
        let call = console(of: call) ?? call
        let words = call.arguments.map { namesProcess($0) ? "1" : $0.value }
        guard let uses = ShellLooks.row("@" + call.program), uses.showAll(words) else {
            return false
        }
        // A filter for lines leaves a process's environment whole.
        let narrow = call.program == "ps" ? followers.filter { ["awk", "cut"].contains($0.program) } : followers
        return context.isRemote || context.asksInterpreters
            ? !narrow.contains(where: Self.picks)
            : !["env", "printenv", "set", "export", "declare"].contains(call.program)
                && followers.contains(where: Self.picksSecrets)
    }

    /// Returns whether a program takes a text that says which members of data it shows.
    static func isFilter(_ program: String) -> Bool { ["jq", "yq", "gojq", "jaq"].contains(program) }

    /// Returns whether a filter lets through lines with the name of a secret.
    private static func picksSecrets(_ call: ShellScript.Command) -> Bool {
        let sought = call.arguments.first { !$0.value.hasPrefix("-") }?.value ?? ""
        if Self.isFilter(call.program) {
            return sought.split { !$0.isLetter && !"_.".contains($0) }.contains { name in
                name.hasPrefix(".") && name.split(separator: ".").last.map { SecretName.isSecret($0) } == true
            }
        }
        return ["grep", "egrep", "fgrep", "rg"].contains(call.program) && !picks(call)
            && sought.split { !$0.isLetter && !"_-".contains($0) }.contains { SecretName.isSecret($0) }
            && !call.arguments.contains { $0.value.hasPrefix("-") && $0.value.contains { "vc".contains($0) } }
    }

    /// Returns whether a filter lets through only what it names.
    private static func picks(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        let operand = words.first { !$0.hasPrefix("-") } ?? ""
        return switch call.program {
        case _ where isFilter(call.program): SecretName.isPlain(operand, isFilter: true)
        case "grep", "egrep", "fgrep", "rg":
            !words.contains { $0.hasPrefix("-") && $0.dropFirst().prefix { $0 != "-" }.contains("v") }
                && !words.contains("--invert-match") && SecretName.isPlain(operand)
                && !operand.lowercased().split { !$0.isLetter && !$0.isNumber }
                    .contains { ShellWords.contains(String($0), in: "key-givers") }
        case "wc": true
        // The names alone.
        case "cut": words.contains { ["-d=", "="].contains($0) } && words.contains { ["-f1", "1"].contains($0) }
        default: false
        }
    }
}
