internal import PowerShellSyntax

extension ScriptWalk {
    /// Walks a block that runs once for each of these values.
    @discardableResult
    mutating func walkForEach(_ block: ScriptBlockSyntax, of all: ValueFacts) -> ValueFacts {
        walkOnce(block, forEach: all).times(all.count)
    }

    /// Walks a block that runs once for each of these values.
    /// - Returns: the output of one run.
    private mutating func walkOnce(_ block: ScriptBlockSyntax, forEach all: ValueFacts) -> ValueFacts {
        items.append(all.single)
        defer { items.removeLast() }
        var one = ValueFacts.nothing
        rounds(all.count, block.extent) { walk in
            one = one.or(walk.walk(block: block, in: .filterBlock))
            return one
        }
        return one
    }

    /// Walks the arguments of a filter. Blocks run for each object, so their content is judged; anything that could be
    /// a block without showing it is reported.
    /// - Returns: the possible values of each argument, and the output of the blocks.
    mutating func walkFilter(
        _ bound: [BoundArgument], shape: FilterCommands, input: ValueFacts
    ) -> (values: [ValueFacts], output: ValueFacts) {
        var input = input
        // `map` is compiled for this type; `Array(repeating:count:)` would look the type up at each call.
        var values = bound.map { $0.value == nil ? ValueFacts.nothing : .unknown }
        // An object may be given by `-InputObject` instead of through the pipeline.
        for (index, argument) in bound.enumerated() where argument.name == "inputobject" {
            guard let value = argument.value else { continue }
            values[index] = walk(value)
            input = input.then(values[index])
        }
        if shape.runsAlone, input.count == 0 { input = .data() }
        guard let first = bound.first else { return (values, .nothing) }
        let outputs = together(first.extent) { walk in
            walk.walkFilterArguments(bound, shape: shape, input: input, &values)
        }
        return (values, outputs)
    }

    /// - Returns: the output of the blocks.
    private mutating func walkFilterArguments(
        _ bound: [BoundArgument], shape: FilterCommands, input: ValueFacts, _ values: inout [ValueFacts]
    ) -> ValueFacts {
        var output = ValueFacts.nothing
        var position = 0
        for (index, argument) in bound.enumerated() where argument.name != "inputobject" {
            guard let value = argument.value else { continue }
            guard argument.written != nil else {
                values[index] = walkPositional(value, at: position, shape: shape, input: input)
                position += 1
                output = output.then(values[index])
                continue
            }
            let candidates = argument.candidates
            func may(_ names: [String]) -> Bool { candidates.contains { one in names.contains(where: one.isNamed) } }
            if let facts = argument.facts, ConstantValue(value) == .dynamic {
                // It was walked in the hashtable, where nothing ran for objects and no name was read.
                values[index] = facts
                if facts.kinds.contains(.code) { report(.filterArgument, argument.extent) }
                if case .scriptBlock(let block) = value { walkForEach(block.scriptBlock, of: input) }
                if may(["membername"]) { report(.memberForm, argument.extent, subject: "-MemberName") }
                if may(shape.properties), input.isSecretive { report(.secretProperty, argument.extent) }
                if shape.positional == .action { output = .unknown }
            } else if !candidates.isEmpty, candidates.allSatisfy({ one in shape.blocks.contains(where: one.isNamed) }) {
                values[index] = walkBlocks(value, input)
                output = output.then(values[index])
            } else if candidates.isEmpty || may(shape.blocks) || may(shape.properties) {
                values[index] = walkProperties(value, input)
            } else if may(["membername"]) {
                values[index] = walkMember(value, input)
                output = values[index]
            } else {
                if may(["argumentlist"]) { report(.memberForm, argument.extent, subject: "-ArgumentList") }
                values[index] = walk(value)
            }
        }
        return output
    }

    private mutating func walkPositional(
        _ value: ExpressionSyntax, at position: Int, shape: FilterCommands, input: ValueFacts
    ) -> ValueFacts {
        switch shape.positional {
        case .properties: return walkProperties(value, input)
        case .values: return walk(value)
        case .condition:
            if position > 0 { return walk(value) }
            if case .scriptBlock = value { return walkBlocks(value, input) }
            return walkProperties(value, input)
        case .action:
            if ConstantValue(value).text != nil { return walkMember(value, input) }
            return walkBlocks(value, input)
        }
    }

    /// Walks a block, or a list of blocks.
    private mutating func walkBlocks(_ value: ExpressionSyntax, _ input: ValueFacts) -> ValueFacts {
        switch value {
        case .scriptBlock(let block): return walkForEach(block.scriptBlock, of: input)
        case .arrayLiteral(let list):
            var result = ValueFacts.nothing
            for element in list.elements { result = result.then(walkBlocks(element, input)) }
            return result
        default:
            report(.filterArgument, value.extent)
            count(runsOf: value, for: input)
            walk(value)
            return .unknown
        }
    }

    /// Reports a block in a variable that changes something and runs for many objects. It is judged where it is
    /// written, for one object.
    mutating func count(runsOf value: ExpressionSyntax, for input: ValueFacts = .data()) {
        guard case .variable(let variable) = value, variable.path.qualifier == .none,
            let block = variables[variable.path.name.asciiLowercased].block
        else { return }
        run(judged: block.most, named: "this block", times: runs(place: 1, input: input), at: value.extent)
    }

    /// Walks names of properties, blocks and calculated properties.
    private mutating func walkProperties(_ value: ExpressionSyntax, _ input: ValueFacts) -> ValueFacts {
        switch value {
        case .scriptBlock(let block): return walkForEach(block.scriptBlock, of: input)
        case .hashtable(let table): return walkCalculated(table, input)
        case .arrayLiteral(let list):
            var result = ValueFacts.nothing
            for element in list.elements { result = result.then(walkProperties(element, input)) }
            return result
        default:
            if let inner = soleElement(value) { return walkProperties(inner, input) }
            let facts = walk(value)
            if facts.kinds.contains(.code) { report(.filterArgument, value.extent) }
            if let names = facts.texts {
                for name in names { readProperty(name, of: input, value.extent) }
            } else if input.isSecretive, facts.count > 0 {
                report(.secretProperty, value.extent)
            }
            return facts
        }
    }

    /// Walks `@{Name='x'; Expression={…}}`: any block among its entries runs.
    private mutating func walkCalculated(_ table: HashtableSyntax, _ input: ValueFacts) -> ValueFacts {
        var result = ValueFacts.data()
        for entry in table.entries {
            walkKey(entry)
            let key = ConstantValue(entry.key).text?.asciiLowercased ?? ""
            if case .scriptBlock(let block)? = entry.value.pureExpression, isExpressionKey(key) {
                result = result.or(walkOnce(block.scriptBlock, forEach: input).asProperty)
                continue
            }
            let facts = walk(entry.value, in: .script)
            if facts.kinds.contains(.code) { report(.filterArgument, entry.value.extent) }
            result.kinds.formUnion(facts.kinds)
            if isExpressionKey(key) {
                for name in facts.texts ?? [] {
                    readProperty(name, of: input, entry.value.extent)
                    if !FilterCommands.singleMembers.contains(name.asciiLowercased) { result.held = ValueFacts.many }
                }
            }
        }
        return ValueFacts(kinds: result.kinds, count: 1, texts: nil, held: result.held)
    }

    /// Reads a property that a filter names; with wildcards it reads all of them.
    private mutating func readProperty(_ name: String, of input: ValueFacts, _ extent: SourceExtent) {
        if name.utf8.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") })
        {
            if input.isSecretive { report(.secretProperty, extent, subject: name) }
            return
        }
        _ = member(name, of: input, extent)
    }

    private func isExpressionKey(_ key: String) -> Bool { !key.isEmpty && "expression".hasPrefix(key) }

    /// Returns the only expression within `@(…)` or `(…)`.
    func soleElement(_ value: ExpressionSyntax) -> ExpressionSyntax? {
        let inner: ExpressionSyntax?
        switch value {
        case .array(let node): inner = node.block.pureExpression
        case .paren(let node): inner = node.pureExpression
        default: return nil
        }
        switch inner {
        case .hashtable?, .arrayLiteral?, .scriptBlock?: return inner
        default: return nil
        }
    }

    /// Returns whether a name can only be a property's: names of methods begin with a verb. The methods of types that
    /// the script defines can have any name.
    private func isProperty(_ name: String) -> Bool {
        if FilterCommands.plainMembers.contains(name.asciiLowercased) { return true }
        guard types.isEmpty, isPlainName(name), let first = name.first, first.isLetter else { return false }
        let lower = name.asciiLowercased
        // A past participle such as "deleted" or "removed" names a property.
        if FilterCommands.strongVerbs.contains(where: { lower.hasPrefix($0) && !lower.hasPrefix($0 + "d") }) {
            return false
        }
        let word = (String(first) + name.dropFirst().prefix { !$0.isUppercase }).asciiLowercased
        return !FilterCommands.methodVerbs.contains(word) && tables.cmdlets.classOfVerb(word) == nil
    }

    /// Walks `ForEach-Object Name`, which reads a property, or calls a method of that name.
    private mutating func walkMember(_ value: ExpressionSyntax, _ input: ValueFacts) -> ValueFacts {
        guard let name = ConstantValue(value).text, isProperty(name) else {
            report(.memberForm, value.extent, subject: ConstantValue(value).text)
            walk(value)
            return .unknown
        }
        return member(name, of: input, value.extent)
    }
}

/// PowerShell's own filters, with the parameters that run code or name properties.
struct FilterCommands {
    /// The meaning of a positional value.
    enum Positional {
        /// Where-Object: a block, or a property's name and then a value.
        case condition
        /// ForEach-Object: blocks, or the name of a member.
        case action
        /// Names of properties, blocks, or calculated properties.
        case properties
        /// Plain values.
        case values
    }

    /// The parameters that run a block.
    let blocks: [String]
    /// The parameters that take names of properties, blocks or calculated properties.
    let properties: [String]
    let positional: Positional
    /// Whether its block runs once if there is no input.
    var runsAlone = false

    /// Returns the shape of a filter, or nil for other commands.
    static func shape(of name: String) -> FilterCommands? { shapes[name.asciiLowercased] }

    private static let shapes: [String: FilterCommands] = {
        let byProperty = FilterCommands(
            blocks: [], properties: ["property", "excludeproperty", "expandproperty", "groupby"],
            positional: .properties)
        var shapes: [String: FilterCommands] = [
            "where-object": FilterCommands(blocks: ["filterscript"], properties: ["property"], positional: .condition),
            "foreach-object": FilterCommands(
                blocks: ["process", "begin", "end", "remainingscripts", "parallel"], properties: [], positional: .action
            ),
            "measure-command": FilterCommands(
                blocks: ["expression"], properties: [], positional: .action, runsAlone: true),
            "compare-object": FilterCommands(blocks: [], properties: ["property"], positional: .values),
        ]
        for name in [
            "select-object", "sort-object", "group-object", "measure-object", "format-table", "format-list",
            "format-wide",
            "format-custom", "join-string", "convertto-html",
        ] { shapes[name] = byProperty }
        return shapes
    }()

    /// Names that always are properties, so that `ForEach-Object Name` only reads.
    static let plainMembers: Set<String> = [
        "name", "displayname", "id", "identity", "guid", "alias", "count", "length", "title", "url", "value", "key",
        "primarysmtpaddress", "userprincipalname", "emailaddresses", "emailaddress", "mail", "upn", "email", "address",
        "distinguishedname", "externaldirectoryobjectid", "objectid", "groupid", "teamid", "description", "type",
        "recipienttype", "recipienttypedetails", "department", "company", "city", "country", "office", "status",
        "enabled",
        "state", "location", "resourcegroupname", "resourceid", "subscriptionid", "tenantid", "tags", "members",
        "owner",
        "owners", "totalitemsize", "itemcount", "whencreated", "whenchanged", "createddatetime", "lastlogontime",
        "fullname",
        "webtemplate", "template", "storageusagecurrent", "environmentname", "internal", "visibility", "archived",
        "group",
        "values", "keys", "year", "month", "day", "hour", "date", "properties", "appid", "servicename", "sku",
    ]

    /// The prefixes, in any case, of names of methods that delete or run something.
    static let strongVerbs = [
        "delete", "remove", "invoke", "execute", "dispose", "recycle", "kill", "purge", "destroy", "dynamicinvoke",
    ]

    /// The first words of other method names, in addition to the verbs of cmdlets.
    static let methodVerbs: Set<String> = [
        "abort", "accept", "apply", "break", "cancel", "close", "commit", "create", "decline", "drop", "ensure",
        "flush",
        "forward", "load", "open", "refresh", "reply", "retrieve", "save", "write",
    ]

    /// Names of properties with a single value, so that one object yields one value.
    static let singleMembers: Set<String> = [
        "name", "displayname", "id", "identity", "guid", "alias", "title", "url", "primarysmtpaddress",
        "userprincipalname", "mail", "upn", "distinguishedname", "externaldirectoryobjectid", "objectid", "groupid",
        "teamid", "resourceid", "appid", "exchangeguid", "windowsemailaddress", "email", "samaccountname", "sitename",
        "environmentname", "resourcegroupname", "key",
    ]
}
