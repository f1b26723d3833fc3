internal import PowerShellSyntax

/// Binds what stands behind a command's name to the parameters of its module's table, as PowerShell does: by name, alias
/// or abbreviation, by place for what is left, and by the entries of splatted tables.
struct CommandBinder {
    /// A value of a splatted table.
    struct Splatted {
        var name: String
        var value: ExpressionSyntax
        var facts: ValueFacts
    }

    /// The parameters of the command; nil when no table lists them.
    let own: [CmdletParameter]?
    /// The parameters of every command.
    let common: [CmdletParameter]
    /// What nearly every command of the module takes, where no table lists its own.
    let usual: [CmdletParameter]

    /// - Parameter splatted: the entries of the table that a splatted variable holds; nil when nobody knows them.
    func bind(_ command: CommandSyntax, splatted: (VariableExpressionSyntax) -> [Splatted]?) -> [BoundArgument] {
        var bound: [BoundArgument] = []
        var elements = command.elements.dropFirst()
        var isOpen = true
        while let element = elements.popFirst() {
            switch element {
            case .argument(.variable(let variable)) where variable.isSplatted:
                guard let entries = splatted(variable) else {
                    bound.append(
                        BoundArgument(
                            written: nil, candidates: [], value: .variable(variable), extent: variable.extent))
                    continue
                }
                bound += entries.map { entry in
                    BoundArgument(
                        written: entry.name, candidates: resolve(entry.name), value: entry.value, facts: entry.facts,
                        extent: variable.extent)
                }
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
                bound.append(named(parameter, &elements))
            }
        }
        if own == nil {
            for index in bound.indices {
                let written = bound[index].written?.asciiLowercased ?? ""
                bound[index].isOpen = !bound[index].candidates.contains { $0.fit(written) == .exact }
            }
        }
        place(&bound)
        return bound
    }

    private func named(
        _ parameter: CommandParameterSyntax, _ elements: inout ArraySlice<CommandElementSyntax>
    ) -> BoundArgument {
        let candidates = resolve(parameter.name)
        var value = parameter.argument
        if value == nil, !(candidates.count == 1 && candidates[0].isSwitch), case .argument(let next) = elements.first,
            !isSplat(next)
        {
            value = next
            // An ambiguous or unknown name may be a switch: then its value is positional.
            if candidates.count == 1 || !candidates.contains(where: \.isSwitch) { elements.removeFirst() }
        }
        return BoundArgument(
            written: parameter.name, candidates: candidates, value: value,
            extent: value.map {
                SourceExtent(start: parameter.extent.start, end: max($0.extent.end, parameter.extent.end))
            } ?? parameter.extent)
    }

    private func isSplat(_ expression: ExpressionSyntax) -> Bool {
        if case .variable(let variable) = expression { return variable.isSplatted }
        return false
    }

    /// Gives values without a name to the places that no name has taken, in order.
    private func place(_ bound: inout [BoundArgument]) {
        defer {
            for index in bound.indices where bound[index].candidates.count == 1 {
                bound[index].name = bound[index].candidates[0].name.asciiLowercased
            }
        }
        guard let own, bound.contains(where: { $0.written == nil }) else { return }
        let taken = bound.filter { $0.candidates.count == 1 }.map { $0.candidates[0].nameOffset }
        let free = own.filter { one in
            one.position >= 0 && !one.isSwitch && !taken.contains(one.nameOffset)
        }
        let places = Set(free.map(\.position)).sorted()
        var rank = 0
        for index in bound.indices where bound[index].written == nil {
            if rank < places.count {
                let here = free.filter { $0.position == places[rank] }
                let required = here.filter(\.isRequired)
                bound[index].candidates = required.count == 1 && here.count > 1 && places.count == 1 ? required : here
            } else {
                // One place too many: a form of the cmdlet that is not in the table.
                bound[index].candidates = free
            }
            rank += 1
        }
    }

    /// The parameters that a written name may mean: an exact name or alias, else all that it abbreviates. When only one
    /// of those is the command's own, the common ones give way.
    func resolve(_ written: String) -> [CmdletParameter] {
        let short = written.asciiLowercased
        guard !short.isEmpty else { return [] }
        var found: [CmdletParameter] = []
        for list in [own ?? usual, common] {
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
        return own != nil && found.count > 1 && mine.count == 1 ? mine : found
    }
}
