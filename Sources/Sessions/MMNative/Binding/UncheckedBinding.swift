import MMCore
import PowerShellSyntax

/// Binds cmdlets that the service has but the table doesn't: names as written, values unconverted.
enum UncheckedBinding {
    private static let identity = ExchangeTable.Parameter(
        name: "Identity", type: "", isSwitch: false, isList: false, position: 0, aliases: [], pipeline: 4, sets: 0,
        required: 0)

    /// Binds a call whose parameters only the service can check.
    static func bind(_ call: CmdletCall, as spelling: String) throws(BindingFault) -> ExchangeCall {
        var result = ExchangeCall(cmdlet: spelling)
        for pair in ParameterBinder(own: [], isComplete: false, fit: { _, _ in .none }).pairs(call.words) {
            let given = pair.value.flatMap { call.value(ofWord: $0) } ?? CmdletCall.Given(value: .bool(true))
            guard pair.written != nil || !result.has("Identity") else {
                throw BindingFault(
                    "PositionalParameterNotFound",
                    "\(spelling) takes no further positional value. Name its parameter.")
            }
            try set(pair.written ?? "Identity", given.value, given.text, &result)
        }
        if call.takesInput, let input = call.input, !result.has("Identity") {
            if case .object(let object) = input, let value = object["Identity"] {
                try set("Identity", value, nil, &result)
            } else if let text = try? PSText.string(input), !text.isEmpty {
                try set("Identity", .string(text), nil, &result)
            }
        }
        result.asksFirst = !spelling.lowercased().hasPrefix("get-")
        return result
    }

    private static func set(
        _ name: String, _ value: PSValue, _ text: String?, _ result: inout ExchangeCall
    ) throws(BindingFault) {
        switch name.lowercased() {
        case "erroraction", "ea":
            if case .string(let action) = value { result.errorAction = action.lowercased() }
            return
        case "warningaction", "wa":
            if case .string(let action) = value { result.headers["WarningAction"] = action }
            return
        case "verbose", "vb", "debug", "db": return
        case "outvariable", "ov", "errorvariable", "ev", "warningvariable", "wv", "pipelinevariable", "pv":
            result.powerShellOnlyParameter = name
            return
        default: break
        }
        guard !result.has(name) else {
            throw BindingFault("ParameterAlreadyBound", "The parameter \(name) is given more than once.")
        }
        result.parameters[name] = try ExchangeValue.json(value, text: text, for: identity)
        if name.lowercased() == "resultsize", case .int(let count) = value, count > 0 {
            result.limit = Int(count)
            result.pageSize = min(Int(count), 1000)
        }
    }
}
