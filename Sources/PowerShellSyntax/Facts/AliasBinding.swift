/// What `Set-Alias` and `New-Alias` bind, as far as the text tells it.
struct AliasBinding {
    /// The alias; nil when it is not constant or not told.
    private(set) var name: String?
    /// The command behind it; nil when it is not constant or not told.
    private(set) var value: String?

    /// Whether a command, possibly qualified by a module, is one of the two or a short name of theirs.
    private static func definesAlias(_ name: String) -> Bool {
        let bytes = name.utf8
        guard let last = bytes.last, ASCIIFold.lower(last) == UInt8(ascii: "l") || ASCIIFold.lower(last) == 0x73 else {
            return false
        }
        let start = bytes.lastIndex(of: UInt8(ascii: "\\")).map { bytes.index(after: $0) } ?? bytes.startIndex
        let plain = name[start...]
        return ["set-alias", "new-alias", "sal", "nal"].contains { ASCIIFold.equal(plain, $0) }
    }

    private static let switches = [
        "passthru", "force", "whatif", "confirm", "verbose", "debug", "wi", "cf", "vb", "db",
    ]
    private static let parameters = [
        "name", "value", "description", "option", "scope", "erroraction", "warningaction", "informationaction",
        "progressaction", "errorvariable", "warningvariable", "informationvariable", "outvariable", "outbuffer",
        "pipelinevariable", "ea", "wa", "infa", "proga", "ev", "wv", "iv", "ov", "ob", "pv",
    ]

    /// The binding of a command; nil when it defines no alias.
    init?(_ command: CommandFact) {
        guard let commandName = command.name, AliasBinding.definesAlias(commandName) else { return nil }
        var named: [String: FactValue] = [:]
        var positional: [FactValue] = []
        // What a parameter that takes a value waits for; the empty name is that of one which nothing is known of.
        var waiting: String?
        for argument in command.arguments {
            switch argument {
            case .value(let value):
                if let parameter = waiting {
                    if named[parameter] == nil { named[parameter] = value }
                } else {
                    positional.append(value)
                }
                waiting = nil
            case .parameter("-", _): waiting = nil
            case .parameter(let written, let value):
                // Outside ASCII names are compared by the rules of a culture, which the text doesn't tell.
                guard written.utf8.allSatisfy({ $0 < 0x80 }) else { return }
                let parameter = AliasBinding.parameter(written) ?? ""
                waiting = value == nil && !AliasBinding.switches.contains(parameter) ? parameter : nil
                if let value, named[parameter] == nil { named[parameter] = value }
            }
        }
        var rest = positional[...]
        name = AliasBinding.constant(named["name"] ?? rest.popFirst())
        value = AliasBinding.constant(named["value"] ?? rest.popFirst())
    }

    /// The full name of an abbreviated parameter; nil when it is unknown or ambiguous.
    private static func parameter(_ written: String) -> String? {
        let lower = ASCIIFold.lowercased(written)
        let all = parameters + switches
        if all.contains(lower) { return lower }
        let candidates = all.filter { $0.hasPrefix(lower) }
        return candidates.count == 1 ? candidates.first : nil
    }

    private static func constant(_ value: FactValue?) -> String? {
        if case .string(let text)? = value { text } else { nil }
    }
}
