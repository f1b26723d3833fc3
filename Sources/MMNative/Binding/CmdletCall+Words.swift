import PowerShellSyntax

extension CmdletCall {
    /// A value, with its text when that is a number.
    struct Given {
        var value: PSValue
        var text: String?
    }

    /// The arguments as the binder takes them.
    var words: [ArgumentWord] {
        arguments.map { argument in
            switch argument {
            case .parameter(let name, let tied, _): .name(name, isTied: tied != nil)
            case .value: .value
            }
        }
    }

    /// The value that a word holds. A word that is no parameter's name is a value like any other.
    func value(ofWord word: Int) -> Given? {
        switch arguments[word] {
        case .parameter(let name, let tied, let text): Given(value: tied ?? .string("-" + name), text: text)
        case .value(let value, let text): Given(value: value, text: text)
        }
    }
}
