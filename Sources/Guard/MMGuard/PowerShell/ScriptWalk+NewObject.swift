internal import PowerShellSyntax

extension ScriptWalk {
    /// What `New-Object` makes without any effect beyond it.
    enum NewObject {
        /// An object that only has the given properties: `New-Object PSObject -Property @{ … }`.
        case plain
        /// A list or table: `New-Object System.Collections.ArrayList`.
        case container(OwnContainer)
    }

    /// Returns what a call of `New-Object` makes; `nil` for other commands, and if making it may have an effect. The
    /// type decides, as in `[Type]::new(…)`.
    func newObject(_ command: KnownCommand, _ arguments: [BoundArgument]) -> NewObject? {
        guard command.name == "new-object" else { return nil }
        var type: TypeNameSyntax?
        var given: Set<String> = []
        for argument in arguments {
            guard let parameter = argument.candidates.first, argument.candidates.count == 1 else { return nil }
            if parameter.isCommon { continue }
            let name = parameter.name.asciiLowercased
            if name == "typename" {
                type = ConstantValue(argument.value).text.flatMap(typeName)
            } else {
                given.insert(name)
            }
        }
        guard let type else { return nil }
        if let kind = OwnContainer.of(type) { return given.isSubset(of: ["argumentlist"]) ? .container(kind) : nil }
        return PureTypes.isPlainObject(type) && given.isSubset(of: ["property"]) ? .plain : nil
    }

    /// Returns the type that a text names, if it names nothing but a type.
    private func typeName(_ text: String) -> TypeNameSyntax? {
        guard text.utf8.count <= 500, let body = PowerShellParser.parse("[\(text)]").root?.body,
            case .type(let type)? = body.pureExpression
        else { return nil }
        return type.typeName
    }
}
