import MMCore
import MMNative
import MMPowerShell
import PowerShellSyntax

/// Values for a script's parameters, bound by its own param block: names as PowerShell takes them (an alias, the beginning
/// of a name), switches and booleans from words, lists where the parameter holds one.
struct ScriptArguments: Sendable {
    /// The values for PowerShell, by the parameters' own names.
    private(set) var parameters: [String: PowerShellValue] = [:]
    /// Those that are texts, for the native engine.
    private(set) var texts: [String: String] = [:]
    /// The others, for the native engine.
    private(set) var others: [String: PSValue] = [:]
    /// Answers to the questions of the script, by the variables that take them.
    private(set) var answers: [String: String] = [:]
    /// Why the native engine can't take them.
    private(set) var misfit: String?
    /// The values as a person sees them, and as a confirmation is bound to them.
    private(set) var object = JSONObject()

    /// Binds values.
    /// - Parameters:
    ///   - given: names and values; one entry a name.
    ///   - script: the script. One that doesn't parse takes everything, since it will not run.
    /// - Throws: `invalidInput`, naming the parameter, what it takes, and the parameters there are.
    init(_ given: [(name: String, value: JSONValue)], for script: ParsedScript) throws(MMError) {
        let known = Self.parameters(of: script)
        let isOpen =
            !script.errors.isEmpty || script.root?.namedBlocks.contains { $0.kind == .dynamicparam } ?? false
        let asks = NativeEngine.asks(script)
        for (name, value) in given {
            if let parameter = try Self.parameter(name, among: known) {
                try add(parameter.name, parameter.bound(value))
            } else if let answer = value.string, asks {
                answers[name] = answer
                object[name] = value
            } else if isOpen {
                try add(name, value)
            } else {
                throw Self.unknown(name, known)
            }
        }
    }

    private mutating func add(_ name: String, _ value: JSONValue) throws(MMError) {
        guard object[name] == nil else {
            throw MMError(
                .invalidInput, "The parameter `\(name)` is given twice, under two of its names.", hint: "Give it once.")
        }
        object[name] = value
        parameters[name] = .json(value)
        switch value {
        case .string(let text): texts[name] = text
        case .bool(let flag): others[name] = .bool(flag)
        case .int(let number): others[name] = Int32(exactly: number).map { .int($0) } ?? .long(number)
        case .array(let items) where items.allSatisfy({ $0.string != nil }):
            others[name] = .array(items.map { .string($0.string ?? "") })
        default: misfit = misfit ?? "a value for $\(name) that isn't a string"
        }
    }

    private static func parameter(_ name: String, among known: [ScriptParameter]) throws(MMError) -> ScriptParameter? {
        let wanted = name.lowercased()
        if let exact = known.first(where: { $0.names.contains(wanted) }) { return exact }
        guard !wanted.isEmpty else { return nil }
        let near = known.filter { $0.names.contains { $0.hasPrefix(wanted) } }
        guard near.count > 1 else { return near.first }
        throw MMError(
            .invalidInput, "`\(name)` may be several parameters of the script.",
            hint: "Write one of \(near.map(\.name).joined(separator: ", ")).")
    }

    private static func unknown(_ name: String, _ known: [ScriptParameter]) -> MMError {
        let names = known.filter { !$0.isCommon }.map(\.name)
        guard !names.isEmpty else {
            return MMError(
                .invalidInput, "The script has no param block, so it takes no value for `\(name.prefix(60))`.",
                hint: "Begin it with param($\(name.allSatisfy(\.isLetter) ? name : "Name")).",
                details: ["field": "param"])
        }
        let near = NearestNames.of(name, among: names, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        return MMError(
            .invalidInput, "The script has no parameter `\(name.prefix(60))`.\(near)",
            hint: "Its parameters are \(names.joined(separator: ", ")).", details: ["field": "param"])
    }

    private static func parameters(of script: ParsedScript) -> [ScriptParameter] {
        guard let block = script.root?.parameterBlock else { return [] }
        var all = block.parameters.map { ScriptParameter($0) }
        let binding = block.attributes.first { $0.typeName.name.lowercased() == "cmdletbinding" }
        guard binding != nil || block.parameters.contains(where: ScriptParameter.isOfCmdlet) else { return all }
        all += ScriptParameter.common
        let confirms = binding?.namedArguments.contains { $0.name.lowercased() == "supportsshouldprocess" } ?? false
        if confirms { all += ScriptParameter.confirming }
        return all
    }
}
