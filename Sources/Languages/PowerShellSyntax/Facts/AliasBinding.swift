/// The alias that a `Set-Alias` or `New-Alias` command defines, as far as the text alone determines it.
struct AliasBinding {
    /// The alias; `nil` when it isn't constant or not given.
    private(set) var name: String?
    /// The command behind the alias; `nil` when it isn't constant or not given.
    private(set) var value: String?

    /// Whether a command, possibly qualified by a module, is one of the two or an alias of either.
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

    /// Reads the alias of a command; `nil` when the command defines none.
    init?(_ command: CommandFact) {
        guard let commandName = command.name, AliasBinding.definesAlias(commandName) else { return nil }
        var named: [String: FactValue] = [:]
        var positional: [FactValue] = []
        // The parameter that awaits its value; the empty name stands for an unknown parameter.
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
                // The comparison of names outside ASCII depends on the culture, which the text doesn't determine.
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

    /// Returns the full name of an abbreviated parameter; `nil` when it is unknown or ambiguous.
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
