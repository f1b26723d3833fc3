import MMCore

/// Binds cmdlets that the service has and the table has not: names as written, values as they are.
enum LooseBinding {
    private static let identity = ExchangeTable.Parameter(
        name: "Identity", type: "", isSwitch: false, isList: false, position: 0, aliases: [], pipeline: 4, sets: 0,
        required: 0)

    /// The call, with the service as the judge of its parameters.
    static func bind(_ call: CmdletCall, as spelling: String) throws(BindingFault) -> ExchangeCall {
        var result = ExchangeCall(cmdlet: spelling)
        var pending: String?
        for argument in call.arguments {
            switch argument {
            case .parameter(let name, let tied, let text):
                if let open = pending { try set(open, .bool(true), nil, &result) }
                pending = nil
                guard let tied else {
                    pending = name
                    continue
                }
                try set(name, tied, text, &result)
            case .value(let value, let text):
                if let name = pending {
                    pending = nil
                    try set(name, value, text, &result)
                } else {
                    guard !result.has("Identity") else {
                        throw BindingFault(
                            "PositionalParameterNotFound",
                            "\(spelling) takes no further value by position. Name the parameter it is for.")
                    }
                    try set("Identity", value, text, &result)
                }
            }
        }
        if let open = pending { try set(open, .bool(true), nil, &result) }
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
            result.beyond = name
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
