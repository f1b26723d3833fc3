internal import PowerShellSyntax

/// A parameter or positional argument of a command, with the parameters that it may mean.
struct BoundArgument {
    /// The name as written; nil for a positional argument.
    let written: String?
    /// The parameters that the name may mean: one when it is clear, several when an abbreviation is ambiguous, none when
    /// no table has it.
    let candidates: [CmdletParameter]
    /// The value; nil for a switch, or when none follows.
    let value: ExpressionSyntax?
    /// The place of parameter and value.
    let extent: SourceExtent

    /// The name of today of the only parameter it can mean.
    var name: String? { candidates.count == 1 ? candidates[0].name.asciiLowercased : nil }

    /// Whether it may be the parameter of this name (in lower case): resolved, or an abbreviation of it.
    func mayBe(_ name: String) -> Bool {
        guard let written else { return false }
        if !candidates.isEmpty { return candidates.contains { $0.isNamed(name) } }
        let short = written.asciiLowercased
        return !short.isEmpty && name.hasPrefix(short)
    }
}

/// Binds what stands behind a command's name, as PowerShell's binder would by names alone.
struct CommandBinder {
    /// The parameters of the command; nil when no table lists them.
    let own: [CmdletParameter]?
    /// The parameters of every command.
    let common: [CmdletParameter]

    func bind(_ command: CommandSyntax) -> [BoundArgument] {
        var bound: [BoundArgument] = []
        var elements = command.elements.dropFirst()
        var isOpen = true
        while let element = elements.popFirst() {
            switch element {
            case .argument(let value):
                bound.append(BoundArgument(written: nil, candidates: [], value: value, extent: value.extent))
            case .parameter(let parameter):
                if parameter.name == "-" {
                    // After -- everything is an argument.
                    isOpen = false
                    continue
                }
                guard isOpen else {
                    bound.append(BoundArgument(written: nil, candidates: [], value: nil, extent: parameter.extent))
                    continue
                }
                let candidates = resolve(parameter.name)
                var value = parameter.argument
                if value == nil, !(candidates.count == 1 && candidates[0].isSwitch),
                    case .argument(let next) = elements.first,
                    !isSplat(next)
                {
                    value = next
                    // An ambiguous or unknown name may be a switch: then its value is positional.
                    if candidates.count == 1 {
                        elements.removeFirst()
                    } else if !candidates.contains(where: \.isSwitch) {
                        elements.removeFirst()
                    }
                }
                bound.append(
                    BoundArgument(
                        written: parameter.name, candidates: candidates, value: value,
                        extent: value.map {
                            SourceExtent(start: parameter.extent.start, end: max($0.extent.end, parameter.extent.end))
                        }
                            ?? parameter.extent))
            }
        }
        return bound
    }

    private func isSplat(_ expression: ExpressionSyntax) -> Bool {
        if case .variable(let variable) = expression { return variable.isSplatted }
        return false
    }

    /// The parameters that a written name may mean: an exact name or alias, else all that it abbreviates. When only one
    /// of those is the command's own, the common ones give way.
    func resolve(_ written: String) -> [CmdletParameter] {
        let short = written.asciiLowercased
        guard !short.isEmpty else { return [] }
        var found: [CmdletParameter] = []
        for list in [own ?? [], common] {
            for parameter in list {
                switch parameter.fit(short) {
                case .exact: return [parameter]
                case .abbreviation:
                    // A parameter stands twice when its place differs by set.
                    if !found.contains(where: { $0.nameOffset == parameter.nameOffset }) { found.append(parameter) }
                case .none: break
                }
            }
        }
        let mine = found.filter { !$0.isCommon }
        return found.count > 1 && mine.count == 1 ? mine : found
    }
}
