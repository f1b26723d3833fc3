internal import PowerShellSyntax

/// The Power Platform's own program `pac`, whose words stand where cmdlets have names.
enum PowerPlatformCLI {
    /// The finding for a call of `pac`; nil when its words are not all constants.
    static func judge(_ command: CommandSyntax) -> GuardFinding? {
        var words: [String] = []
        for element in command.elements.dropFirst() {
            guard case .argument(let value) = element, let text = ConstantValue(value).text else { break }
            words.append(text.asciiLowercased)
        }
        guard let group = words.first else { return nil }
        let verb = words.dropFirst().first ?? ""
        let line = "pac \(words.prefix(3).joined(separator: " "))"
        let classes: GuardClassSet
        switch (group, verb) {
        case ("auth", "list"), ("auth", "who"): classes = .read
        case ("auth", _): classes = .session
        case ("admin", "assign-user"), ("admin", "create-service-principal"), ("admin", "assign-group"),
            ("admin", "self-elevate"):
            classes = .privilege
        case ("admin", "application"), ("application", "install"), ("application", "register"): classes = .privilege
        case (_, "delete"), (_, "reset"), (_, "restore"), (_, "copy"), (_, "import"), (_, "remove"), (_, "stop"):
            classes = .destructive
        case (_, "list"), (_, "who"), (_, "show"), (_, "status"), (_, "help"), ("help", _): classes = .read
        case (_, "export"), (_, "unpack"), (_, "backup"): classes = .external
        default: return nil
        }
        // The program is no cmdlet: what it writes and where is not in any table.
        return GuardFinding(
            rule: "pac", classes: classes, kind: .classified, reason: "\(line) \(classes.strictest.meaning).",
            subject: line)
    }
}
