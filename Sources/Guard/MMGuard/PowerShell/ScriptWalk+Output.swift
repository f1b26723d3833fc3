internal import PowerShellSyntax

extension ScriptWalk {
    /// Returns the output of a command.
    /// - Parameter filtered: the output of a filter's blocks.
    func output(of call: CommandCall, filtered: ValueFacts?) -> ValueFacts {
        let name = call.command.name
        let own = call.indices(["inputobject"]).reduce(call.place > 0 ? call.input : .nothing) {
            $0.then(call.values[$1])
        }
        if let kinds = call.command.answer { return .of(kinds) }
        guard call.entry.product == .builtin else { return .data(count: count(of: call)) }
        switch name {
        case "foreach-object": return filtered ?? .unknown
        case "select-object": return selected(call, own)
        case "where-object", "sort-object", "tee-object", "get-unique": return own.withoutTexts
        case "write-output":
            let all = call.values.reduce(own) { $0.then($1) }.withoutTexts
            return call.indices(["noenumerate"]).isEmpty ? all : all.asElement
        case "get-random": return chosen(call, own)
        case "group-object", "compare-object":
            // What they were given to compare, or to group by, is in what they return.
            return ValueFacts(
                kinds: call.values.reduce(own.kinds) { $0.union($1.kinds) }, count: ValueFacts.many, texts: nil,
                held: ValueFacts.many)
        case "convertfrom-json": return .lists(.data)
        case "get-childitem", "resolve-path": return .of(.files)
        case "get-item": return .unknown
        case "new-object":
            guard let made = call.made else { return .unknown }
            let given = call.indices(["argumentlist", "property"]).reduce(ValueFacts.nothing) {
                $0.then(call.values[$1])
            }
            if case .container = made { return given }
            return given.or(.data()).withoutTexts
        case "out-null", "out-host", "out-default", "write-host", "start-sleep": return .nothing
        case "get-command", "get-module", "get-alias", "get-variable", "get-help", "import-clixml", "get-psdrive",
            "get-psprovider":
            return .unknown
        case "convertto-json", "new-guid", "join-string": return .data()
        case "measure-object":
            // The least and the greatest of what is measured are what was given, or what a property of it holds.
            let isOfProperty = !call.indices(["property"]).isEmpty
            var result = call.values.reduce(ValueFacts.data()) { $0.or($1) }.withoutTexts
            result.kinds.formUnion(isOfProperty ? own.kinds.intersection(.code) : own.kinds)
            return result
        case "get-date", "new-timespan", "get-location", "test-path", "join-path", "split-path":
            // One for each value that it is given.
            return .data(count: call.values.reduce(max(1, own.count)) { max($0, $1.count) })
        case "out-string": return .data(count: call.indices(["stream"]).isEmpty ? 1 : ValueFacts.many)
        default:
            return call.entry.lists.contains(.outside) ? .unknown : .data(count: ValueFacts.many)
        }
    }

    /// Returns the output of `Get-Random`: one of its input, or as many as it is told.
    private func chosen(_ call: CommandCall, _ all: ValueFacts) -> ValueFacts {
        var result = all.or(.data()).withoutTexts
        let numbers = call.indices(["count"]).map { call.constant($0).text.flatMap { Int($0) } ?? ValueFacts.many }
        if call.indices(["shuffle"]).isEmpty { result.count = ValueFacts.product(numbers.max() ?? 1, result.each) }
        return result
    }

    /// Returns the output of `Select-Object`: `-First 5` limits the number, and selecting a property may drop objects
    /// that contain secrets.
    private func selected(_ call: CommandCall, _ all: ValueFacts) -> ValueFacts {
        var result = all.withoutTexts
        for index in call.indices(["property"]) {
            result.held = max(result.held, call.values[index].held)
            result.kinds.formUnion(call.values[index].kinds)
        }
        let names = call.arguments.compactMap(\.name)
        let isPlain = !names.contains { ["wait", "skip", "skiplast", "skipindex", "index", "last"].contains($0) }
        if isPlain, let first = call.indices(["first"]).first, let text = call.constant(first).text,
            let number = Int(text), call.arguments[first].candidates.count == 1
        {
            result.count = min(result.count, ValueFacts.product(max(0, number), result.each))
        }
        if let expanded = call.indices(["expandproperty"]).first {
            let name = call.constant(expanded).text?.asciiLowercased ?? ""
            let isOne = FilterCommands.singleMembers.contains(name)
            result = result.property(result.kinds, isOne: isOne)
            if result.isSecretive { result.kinds = SecretProperties.kinds(behind: name, of: result.kinds) ?? .all }
        }
        return result
    }

    // MARK: The number of objects that a cloud cmdlet returns

    private func count(of call: CommandCall) -> Int {
        guard call.entry.classes.contains(.read) else { return max(1, call.place > 0 ? call.input.count : 1) }
        var most: Int?
        for (index, argument) in call.arguments.enumerated() {
            guard let parameter = argument.likelyName else { continue }
            if argument.mayBe(oneOf: ["resultsize", "top", "first", "limit", "maxrecord", "maxresults"]) {
                guard let number = call.constant(index).text.flatMap({ Int($0) }), number > 0 else {
                    return ValueFacts.many
                }
                most = number
            } else if parameter == "all" {
                return ValueFacts.many
            } else if isKey(argument, of: call), let one = one(call, index) {
                most = min(most ?? one, one)
            }
        }
        guard let most else { return ValueFacts.many }
        return ValueFacts.product(most, call.place > 0 ? max(1, call.input.count) : 1)
    }

    /// Returns whether a parameter names the object itself that the cmdlet returns. A required parameter names the
    /// container whose parts it lists.
    private func isKey(_ argument: BoundArgument, of call: CommandCall) -> Bool {
        guard let name = argument.likelyName else { return false }
        let noun = call.command.noun
        switch call.entry.product {
        case .exchange, .teams, .pnp, .sharePoint, .builtin:
            guard !argument.candidates.contains(where: \.isRequired) else {
                return ["groupid"].contains(name) && noun == "team"
            }
            return ["identity", "id", "groupid", "uniqueid"].contains(name)
        case .graph: return name.hasSuffix("id") && noun.hasSuffix(name.dropLast(2)) && name.utf8.count > 3
        case .azure:
            return ["name", "resourceid", "objectid", "userprincipalname", "\(noun.dropFirst(2))name"].contains(name)
        case .powerApps:
            return name.hasSuffix("name") && noun.hasSuffix(name.dropLast(4)) && name.utf8.count > 5
        }
    }

    /// Returns how many objects the value of a key names: constants without wildcards, or a single object from a
    /// service.
    private func one(_ call: CommandCall, _ index: Int) -> Int? {
        if let texts = call.constant(index).texts {
            return texts.contains { $0.contains("*") || $0.contains("?") } ? nil : max(1, texts.count)
        }
        let facts = call.values[index]
        return !facts.isUnknown && facts.count <= 1 ? 1 : nil
    }

    /// Returns how often a command at this position runs at most.
    func runs(place: Int, input: ValueFacts) -> Int { ValueFacts.product(repeats, place > 0 ? input.count : 1) }
}
