import PowerShellSyntax

extension CmdletCall {
    /// A value and, for a number, its text as written.
    struct Given {
        var value: PSValue
        var text: String?
    }

    /// The arguments in the form that the binder takes.
    var words: [ArgumentWord] {
        arguments.map { argument in
            switch argument {
            case .parameter(let name, let tied, _): .name(name, isTied: tied != nil)
            case .value: .value
            }
        }
    }

    /// Returns the value of a word. A word that names no parameter is a value like any other.
    func value(ofWord word: Int) -> Given? {
        switch arguments[word] {
        case .parameter(let name, let tied, let text): Given(value: tied ?? .string("-" + name), text: text)
        case .value(let value, let text): Given(value: value, text: text)
        }
    }
}
