import MMCore

/// Binds command lines of Exchange cmdlets as PowerShell does, and turns values into the service's JSON.
package struct ExchangeBinder: Sendable {
    private let table: ExchangeTable
    private let service: ExchangeTable.Service
    private let others: @Sendable (String) -> String?

    /// A binder for one service.
    /// - Parameters:
    ///   - service: which of the two.
    ///   - table: what is known of the cmdlets.
    ///   - others: the own spelling of cmdlets that the service has and the table has not.
    package init(
        service: ExchangeTable.Service, table: ExchangeTable = .standard,
        others: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.service = service
        self.table = table
        self.others = others
    }

    private enum Target {
        case own(String), common(String), should(String)
    }

    /// Binds a call.
    package func bind(_ call: CmdletCall) throws(BindingFault) -> ExchangeCall {
        guard let cmdlet = table.cmdlet(call.name, in: service) else {
            if let spelling = others(call.name) { return try LooseBinding.bind(call, as: spelling) }
            let near = NearestNames.of(call.name, among: table.names(of: service)).joined(separator: ", ")
            throw BindingFault(
                "CommandNotFoundException",
                "\(service.rawValue) has no cmdlet \(call.name)." + (near.isEmpty ? "" : " Near: \(near)."))
        }
        var result = ExchangeCall(cmdlet: cmdlet.name)
        var bound: Set<String> = []
        var positional: [(PSValue, String?)] = []
        var sets = (1 << cmdlet.setCount) - 1
        var place = 0
        while place < call.arguments.count {
            let argument = call.arguments[place]
            place += 1
            switch argument {
            case .value(let value, let text): positional.append((value, text))
            case .parameter(let written, let tied, let tiedText):
                let target = try resolve(written, cmdlet)
                let (name, isSwitch) = describe(target, cmdlet)
                guard bound.insert(name.lowercased()).inserted else {
                    throw BindingFault(
                        "ParameterAlreadyBound", "The parameter \(name) of \(cmdlet.name) is given more than once.")
                }
                var value = tied
                var text = tiedText
                if isSwitch {
                    value = .bool(try flag(tied, name))
                } else if value == nil, place < call.arguments.count {
                    switch call.arguments[place] {
                    case .value(let next, let nextText):
                        (value, text) = (next, nextText)
                        place += 1
                    case .parameter(let word, nil, _) where isUnknown(word, cmdlet):
                        // A word that is no parameter's name is a value like any other.
                        value = .string("-" + word)
                        place += 1
                    case .parameter: break
                    }
                }
                guard let value else {
                    throw BindingFault("MissingArgument", "The parameter \(name) of \(cmdlet.name) needs a value.")
                }
                try set(target, value, text, cmdlet, &result)
                if case .own(let name) = target { narrow(&sets, by: name, cmdlet) }
            }
        }
        for (value, text) in positional {
            let free = cmdlet.parameters.filter {
                $0.position >= 0 && !bound.contains($0.name.lowercased()) && ($0.sets == 0 || $0.sets & sets != 0)
            }
            let lowest = free.filter { candidate in candidate.position == free.map(\.position).min() }
            let preferred = lowest.first {
                $0.sets == 0 || cmdlet.defaultSet >= 0 && $0.sets & 1 << cmdlet.defaultSet != 0
            }
            guard let chosen = preferred ?? lowest.first else {
                throw BindingFault(
                    "PositionalParameterNotFound",
                    "\(cmdlet.name) takes no further value by position. Name the parameter it is for.")
            }
            bound.insert(chosen.name.lowercased())
            try set(.own(chosen.name), value, text, cmdlet, &result)
            narrow(&sets, by: chosen.name, cmdlet)
        }
        if call.takesInput {
            guard let input = call.input else { return finished(result, cmdlet) }
            try bindInput(input, cmdlet, &sets, &bound, &result)
        }
        try checkRequired(cmdlet, bound, sets)
        return finished(result, cmdlet)
    }

    private func finished(_ bound: ExchangeCall, _ cmdlet: ExchangeTable.Cmdlet) -> ExchangeCall {
        var result = bound
        let support = service == .exo ? cmdlet.support : cmdlet.support >> 1
        result.asksFirst = support & 4 != 0
        result.takesResultSize = cmdlet.parameters.contains { $0.name == "ResultSize" }
        return result.withoutItsOwnEndpoint
    }

    /// Gives an object of the pipeline to the parameters that take one: a property of the same name where there is one,
    /// else the object's own text.
    private func bindInput(
        _ input: PSValue, _ cmdlet: ExchangeTable.Cmdlet, _ sets: inout Int, _ bound: inout Set<String>,
        _ result: inout ExchangeCall
    ) throws(BindingFault) {
        // Parameters of the default set come first: the first one that is bound decides between the sets.
        let preferred = cmdlet.defaultSet >= 0 ? 1 << cmdlet.defaultSet : 0
        let isPreferred: (ExchangeTable.Parameter) -> Bool = { $0.sets == 0 || $0.sets & preferred != 0 }
        let ordered = cmdlet.parameters.filter(isPreferred) + cmdlet.parameters.filter { !isPreferred($0) }
        var isTaken = false
        for parameter in ordered where parameter.pipeline != 0 {
            guard !bound.contains(parameter.name.lowercased()), parameter.sets == 0 || parameter.sets & sets != 0 else {
                continue
            }
            let value: PSValue
            if case .object(let object) = input {
                let names = [parameter.name] + parameter.aliases
                guard parameter.pipeline != 1, let found = names.lazy.compactMap({ object[$0] }).first, !found.isNull
                else { continue }
                value = found
            } else {
                // One parameter takes the object itself.
                guard !isTaken, parameter.pipeline != 2, let text = try? PSText.string(input), !text.isEmpty else {
                    continue
                }
                value = .string(text)
            }
            bound.insert(parameter.name.lowercased())
            isTaken = true
            try set(.own(parameter.name), value, nil, cmdlet, &result)
            narrow(&sets, by: parameter.name, cmdlet)
        }
        guard !isTaken else { return }
        throw BindingFault(
            "InputObjectNotBound",
            "The input object cannot be bound to any parameters for \(cmdlet.name): it has no property of the name of one "
                + "that takes pipeline input.")
    }

    private func describe(_ target: Target, _ cmdlet: ExchangeTable.Cmdlet) -> (name: String, isSwitch: Bool) {
        switch target {
        case .own(let name): (name, cmdlet.parameters.first { $0.name == name }?.isSwitch ?? false)
        case .common(let name): (name, name == "Debug" || name == "Verbose")
        case .should(let name): (name, true)
        }
    }

    private func isUnknown(_ written: String, _ cmdlet: ExchangeTable.Cmdlet) -> Bool {
        do throws(BindingFault) {
            _ = try resolve(written, cmdlet)
            return false
        } catch {
            return error.id == "NamedParameterNotFound"
        }
    }

    private func resolve(_ written: String, _ cmdlet: ExchangeTable.Cmdlet) throws(BindingFault) -> Target {
        let wanted = written.lowercased()
        var others: [(names: [String], target: Target)] = table.common.compactMap { names in
            names.first.map { (names, .common($0)) }
        }
        let support = service == .exo ? cmdlet.support : cmdlet.support >> 1
        if support & 1 != 0 { others.append((["WhatIf", "wi"], .should("WhatIf"))) }
        if support & 4 != 0 { others.append((["Confirm", "cf"], .should("Confirm"))) }
        let isExact: (String) -> Bool = { $0.lowercased() == wanted }
        let isBegun: (String) -> Bool = { $0.lowercased().hasPrefix(wanted) }
        if let exact = cmdlet.parameters.first(where: { isExact($0.name) }) { return .own(exact.name) }
        if let exact = others.first(where: { $0.names.prefix(1).contains(where: isExact) }) { return exact.target }
        if let exact = cmdlet.parameters.first(where: { $0.aliases.contains(where: isExact) }) {
            return .own(exact.name)
        }
        if let exact = others.first(where: { $0.names.contains(where: isExact) }) { return exact.target }
        let begun = Set(
            cmdlet.parameters.filter { ([$0.name] + $0.aliases).contains(where: isBegun) }.map(\.name))
        if begun.count == 1, let only = begun.first { return .own(only) }
        let rest = others.filter { $0.names.contains(where: isBegun) }
        if begun.isEmpty, rest.count == 1 { return rest[0].target }
        if begun.isEmpty, rest.isEmpty || !written.isPlain {
            let near = NearestNames.of(written, among: cmdlet.parameters.map(\.name)).joined(separator: ", ")
            throw BindingFault(
                "NamedParameterNotFound",
                "\(cmdlet.name) has no parameter \(written)." + (near.isEmpty ? "" : " Near: \(near)."))
        }
        let names = begun.isEmpty ? rest.compactMap(\.names.first) : begun.sorted()
        throw BindingFault(
            "AmbiguousParameter", "-\(written) may mean \(names.joined(separator: ", ")). Write more of the name.")
    }

    private func narrow(_ sets: inout Int, by name: String, _ cmdlet: ExchangeTable.Cmdlet) {
        var mask = 0
        for parameter in cmdlet.parameters where parameter.name == name {
            if parameter.sets == 0 { return }
            mask |= parameter.sets
        }
        // Mixed sets are the service's to refuse: the documentation is not sure enough.
        if sets & mask != 0 { sets &= mask }
    }

    private func checkRequired(
        _ cmdlet: ExchangeTable.Cmdlet, _ bound: Set<String>, _ sets: Int
    ) throws(BindingFault) {
        // Pages of reading cmdlets call parameters required that are not.
        guard !cmdlet.name.hasPrefix("Get-") else { return }
        var missing: [String] = []
        for set in 0..<cmdlet.setCount where sets & 1 << set != 0 {
            let lacking = cmdlet.parameters.filter {
                $0.required & 1 << set != 0 && !bound.contains($0.name.lowercased())
            }
            if lacking.isEmpty { return }
            for name in lacking.map(\.name) where !missing.contains(name) { missing.append(name) }
        }
        guard !missing.isEmpty else { return }
        throw BindingFault(
            "MissingMandatoryParameter", "\(cmdlet.name) needs \(missing.prefix(5).joined(separator: " or ")).")
    }

    private func flag(_ value: PSValue?, _ name: String) throws(BindingFault) -> Bool {
        switch value {
        case nil, .null?: return true
        case .bool(let flag)?: return flag
        case .int(let number)?: return number != 0
        default:
            throw BindingFault(
                "CannotConvertArgument", "The switch \(name) takes $true or $false behind a colon, nothing else.")
        }
    }

    private func set(
        _ target: Target, _ value: PSValue, _ text: String?, _ cmdlet: ExchangeTable.Cmdlet,
        _ result: inout ExchangeCall
    ) throws(BindingFault) {
        switch target {
        case .should(let name): result.parameters[name] = .bool(value.isTrue)
        case .common(let name):
            switch (name, value) {
            case ("WarningAction", .string(let action)):
                result.headers[name] = action.lowercased() == "ignore" ? "SilentlyContinue" : action
            case ("ErrorAction", .string(let action)): result.errorAction = action.lowercased()
            case ("Debug", _), ("Verbose", _), ("InformationAction", _), ("ProgressAction", _), ("OutBuffer", _): break
            default: result.beyond = name
            }
        case .own(let name):
            guard let parameter = cmdlet.parameters.first(where: { $0.name == name }) else { return }
            if name == "UseCustomRouting" {
                result.usesCustomRouting = value.isTrue
                return
            }
            let json = try ExchangeValue.json(value, text: text, for: parameter)
            result.parameters[name] = json
            if let items = json.array, !items.isEmpty, items.allSatisfy({ $0["@odata.type"] != nil }) {
                result.parameters[name + "@odata.type"] = "#Collection(Exchange.GenericHashTable)"
            }
            if name == "ResultSize" {
                let count = json.int ?? json.string.flatMap { Int($0) }
                if let count, count > 0 {
                    result.limit = count
                    result.pageSize = min(count, 1000)
                } else if json.string?.lowercased() == "unlimited" {
                    result.pageSize = 1000
                }
            }
        }
    }
}
