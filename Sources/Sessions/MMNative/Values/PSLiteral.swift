/// Writes values as expressions that recreate them.
package enum PSLiteral {
    /// Returns the expression; `nil` for values that have none: hashtables, objects, dates and whatever contains them.
    static func text(_ value: PSValue) -> String? {
        switch value {
        case .null, .nothing: return "$null"
        case .bool(let truth): return truth ? "$true" : "$false"
        case .byte(let number): return "[byte]'\(number)'"
        case .int(let number): return "[int]'\(number)'"
        case .long(let number): return "[long]'\(number)'"
        case .double(let number): return number.isFinite ? "[double]'\(number)'" : nil
        case .single(let number): return number.isFinite ? "[single]'\(number)'" : nil
        case .decimal(let number): return "\(number.text)d"
        case .guid(let text): return "[guid]\(quoted(text))"
        case .char(let unit): return "[char]\(quoted(String(decoding: [unit], as: UTF16.self)))"
        case .string(let text): return quoted(text)
        case .array(let items):
            var texts: [String] = []
            for item in items {
                if case .array = item { return nil }
                guard let text = text(item) else { return nil }
                texts.append(text)
            }
            return "@(" + texts.joined(separator: ", ") + ")"
        case .list, .span, .version, .enumeration, .table, .object, .date, .block, .type, .typeInfo, .ownType:
            return nil
        }
    }

    /// Returns a text in single quotes. Each quote character within it would end it, and is therefore doubled.
    package static func quoted(_ text: String) -> String {
        var quoted = "'"
        for scalar in text.unicodeScalars {
            quoted.unicodeScalars.append(scalar)
            switch scalar {
            case "'", "\u{2018}", "\u{2019}", "\u{201A}", "\u{201B}": quoted.unicodeScalars.append(scalar)
            default: continue
            }
        }
        return quoted + "'"
    }
}

extension NativeSession {
    /// Returns the statement that sets a variable to its value in this session; `nil` if no expression can recreate the
    /// value.
    /// - Parameter name: the name in lower case.
    package func assignment(of name: String) -> String? {
        guard let value = variables[name], let text = PSLiteral.text(value), !name.isEmpty,
            name.unicodeScalars.allSatisfy({
                $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_"
            })
        else { return nil }
        return "${\(name)} = \(text)"
    }
}
