/// Values as the text of an expression that makes them again.
enum PSLiteral {
    /// The text; `nil` for a value that has none: tables, objects, dates and what is made of them.
    static func text(_ value: PSValue) -> String? {
        switch value {
        case .null: return "$null"
        case .bool(let truth): return truth ? "$true" : "$false"
        case .int(let number): return "[int]'\(number)'"
        case .long(let number): return "[long]'\(number)'"
        case .double(let number): return number.isFinite ? "[double]'\(number)'" : nil
        case .decimal(let number): return "\(number.text)d"
        case .guid(let text): return "[guid]\(quoted(text))"
        case .char(let byte): return "[char]\(quoted(String(UnicodeScalar(byte))))"
        case .string(let text): return quoted(text)
        case .array(let items):
            var texts: [String] = []
            for item in items {
                if case .array = item { return nil }
                guard let text = text(item) else { return nil }
                texts.append(text)
            }
            return "@(" + texts.joined(separator: ", ") + ")"
        case .span, .version, .enumeration, .table, .object, .date, .block, .type, .typeInfo: return nil
        }
    }

    /// A text between single quotes. Each of these characters would end it, and stands for itself when it is doubled.
    static func quoted(_ text: String) -> String {
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
    /// The statement that sets a variable to what it holds here; `nil` where no text can stand for its value.
    /// - Parameter name: in small letters.
    package func assignment(of name: String) -> String? {
        guard let value = variables[name], let text = PSLiteral.text(value), !name.isEmpty,
            name.unicodeScalars.allSatisfy({
                $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_"
            })
        else { return nil }
        return "${\(name)} = \(text)"
    }
}
