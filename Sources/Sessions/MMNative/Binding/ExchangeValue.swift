import MMCore

/// Converts parameter values to the service's JSON.
enum ExchangeValue {
    /// Returns the JSON of a value for a parameter.
    /// - Parameter text: a number as written.
    static func json(
        _ value: PSValue, text: String?, for parameter: ExchangeTable.Parameter
    ) throws(BindingFault) -> JSONValue {
        guard parameter.type != "SecureString", parameter.type != "PSCredential" else {
            throw BindingFault(
                "SecretParameter",
                "\(parameter.name) needs a secret, which the native engine does not send. Use the pwsh engine.",
                needsPowerShell: true)
        }
        var value = value
        if case .block(let block) = value {
            // PowerShell runs the block for each object of the pipeline if the parameter accepts pipeline input.
            guard parameter.type == "String", parameter.pipeline == 0 else {
                throw BindingFault(
                    "ScriptBlockArgument", "\(parameter.name) was given a script block. Use a value.",
                    needsPowerShell: true)
            }
            value = .string(block.text)
        }
        if case .array(let items) = value, parameter.isSingle {
            throw BindingFault(
                "CannotConvertArgument",
                "\(parameter.name) accepts one value but was given \(items.count)."
                    + (parameter.pipeline == 0 ? " Give one." : " Send them through a pipeline, one by one."))
        }
        if parameter.type == "Boolean", case .int(let number) = value { return .bool(number != 0) }
        var walk = ValueWalk()
        let single = try plain(value, text, parameter, &walk)
        if parameter.isList, !value.isNull {
            if case .array = value { return single }
            return .array([single])
        }
        guard ["filter", "recipientfilter", "recipientpreviewfilter"].contains(parameter.name.lowercased()),
            case .string(let filter) = single
        else { return single }
        return .string(quotingTruths(filter))
    }

    private static func plain(
        _ value: PSValue, _ text: String?, _ parameter: ExchangeTable.Parameter, _ walk: inout ValueWalk
    ) throws(BindingFault) -> JSONValue {
        guard walk.enter() else {
            throw BindingFault(
                "CannotConvertArgument", "\(parameter.name) was given values that are nested too deeply.")
        }
        defer { walk.leave() }
        let isText = parameter.type == "String" || parameter.type == "String[]"
        switch value {
        case .null, .nothing: return .null
        case .bool(let flag): return isText ? .string(flag ? "True" : "False") : .bool(flag)
        case .byte, .int, .long, .double, .single, .decimal:
            let digits = (try? PSText.string(value)) ?? ""
            if isText { return .string(text ?? digits) }
            // A number written in another form reaches the service as the text of its value.
            if let text, text != digits, parameter.type != "Int32" { return .string(digits) }
            switch value {
            case .byte(let number): return .int(Int64(number))
            case .int(let number): return .int(Int64(number))
            case .long(let number): return .int(number)
            case .single(let number): return .double(PSText.widened(number))
            default: return Comparison.double(value).map { .double($0) } ?? .null
            }
        case .char(let unit): return .string(String(decoding: [unit], as: UTF16.self))
        case .string(let string): return .string(string)
        case .array(let items):
            var list: [JSONValue] = []
            for item in items { list.append(try plain(item, nil, parameter, &walk)) }
            return .array(list)
        case .table(let table):
            var members = JSONObject()
            members["@odata.type"] = "#Exchange.GenericHashTable"
            for pair in table.pairs { members[pair.key] = try plain(pair.value, nil, parameter, &walk) }
            return .object(members)
        case .date(let date):
            // A date without a time zone counts as local time, as in .NET.
            return .string(date.asUniversal.roundTrip)
        case .span, .guid, .version, .enumeration: return .string((try? PSText.string(value)) ?? "")
        case .list(let list): return try plain(.array(list.items), nil, parameter, &walk)
        case .object(let object) where parameter.name == "Identity" && object["Identity"]?.plain.text.isEmpty == false:
            // An object of the service is passed by its identity, the name that the service gives it.
            return try plain(object["Identity"]?.plain ?? .null, nil, parameter, &walk)
        case .object(let object) where object.typeName == FolderUser.typeName: return .string(value.text)
        case .object, .block, .type, .typeInfo, .ownType:
            throw BindingFault(
                "CannotConvertArgument",
                "\(parameter.name) was given a \(value.typeName). Give one of its properties instead.")
        }
    }

    /// Quotes `$true` and `$false` in a filter, as the service expects.
    private static func quotingTruths(_ filter: String) -> String {
        var result: [UInt8] = []
        let units = Array(filter.utf8)
        var place = 0
        while place < units.count {
            if let word = truth(in: units, at: place) {
                result += Array("'\(word)'".utf8)
                place += 1 + word.utf8.count
            } else {
                result.append(units[place])
                place += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func truth(in units: [UInt8], at place: Int) -> String? {
        guard units[place] == UInt8(ascii: "$") else { return nil }
        return ["True", "False"].first { word in
            let end = place + 1 + word.utf8.count
            guard end <= units.count,
                String(decoding: units[(place + 1)..<end], as: UTF8.self).lowercased() == word.lowercased()
            else { return false }
            guard end < units.count else { return true }
            let next = units[end]
            let isName =
                (0x61...0x7A).contains(next | 0x20) || (0x30...0x39).contains(next) || next == UInt8(ascii: "_")
            return !isName
        }
    }
}
