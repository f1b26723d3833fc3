import MMCore
import MMPowerShell
import PowerShellSyntax

/// The value of an expression that depends only on the script's text and arguments.
struct StandInValue {
    /// The objects that enter the pipeline: the items of an array, otherwise the value.
    let enumerated: [JSONValue]

    init?(_ expression: ExpressionSyntax, parameters: [String: PowerShellValue]) {
        switch expression {
        case .arrayLiteral(let array):
            var items: [JSONValue] = []
            for element in array.elements {
                guard let value = Self.single(element, parameters) else { return nil }
                items.append(value)
            }
            enumerated = items
        default:
            guard let value = Self.single(expression, parameters) else { return nil }
            enumerated = value.array ?? [value]
        }
    }

    private static func single(_ expression: ExpressionSyntax, _ parameters: [String: PowerShellValue]) -> JSONValue? {
        switch expression {
        case .string(let text): return .string(text.value)
        case .number(let number): return (try? JSONParser.parse(number.text)) ?? nil
        case .variable(let variable):
            switch variable.path.path.lowercased() {
            case "true": return true
            case "false": return false
            case "null": return .null
            default: return value(of: variable.path.path, parameters)
            }
        default: return nil
        }
    }

    /// Returns the argument for a script's parameter.
    static func value(of name: String, _ parameters: [String: PowerShellValue]) -> JSONValue? {
        parameters.first { $0.key.lowercased() == name.lowercased() }?.value.plain
    }
}

/// A call of one of the stand-in's commands.
struct StandInCall {
    /// The command's name as written.
    let name: String
    /// The positional arguments.
    let values: [JSONValue]
    /// The named arguments, by lower-case name; switches are `true`.
    let named: [String: JSONValue]
    /// The script's own arguments.
    let parameters: [String: PowerShellValue]
    /// Whether the output is assigned, and therefore not emitted.
    let isSilent: Bool
    /// The command that its output is piped into.
    let next: CommandSyntax?

    /// Creates a call.
    /// - Parameter splatted: the members of tables that the script's conditions have set.
    init(
        _ fact: CommandFact, name: String, parameters: [String: PowerShellValue], splatted: [String: JSONValue],
        isSilent: Bool, next: CommandSyntax?
    ) {
        self.name = name
        self.next = next
        self.parameters = parameters
        self.isSilent = isSilent
        var values: [JSONValue] = []
        var named: [String: JSONValue] = [:]
        var open: String?
        for argument in fact.arguments {
            switch argument {
            case .parameter(let name, let value):
                named[name.lowercased()] = value.map { Self.plain($0, parameters) } ?? true
                open = value == nil ? name.lowercased() : nil
            case .value(.dynamic(.splat, _)): named.merge(splatted) { own, _ in own }
            case .value(let value):
                let plain = Self.plain(value, parameters)
                if let name = open {
                    named[name] = plain
                    open = nil
                } else {
                    values.append(plain)
                }
            }
        }
        self.values = values
        self.named = named
    }

    private static func plain(_ value: FactValue, _ parameters: [String: PowerShellValue]) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .number(let number): (try? JSONParser.parse(number.text)) ?? .string(number.text)
        case .literal(let literal): literal == .null ? .null : .bool(literal == .true)
        case .array(let items): .array(items.map { plain($0, parameters) })
        case .dynamic(_, let name?): StandInValue.value(of: name, parameters) ?? .null
        case .hashtable, .dynamic: .null
        }
    }

    /// Returns the script's argument for one of its parameters, as text.
    func argument(_ name: String) -> String? { StandInValue.value(of: name, parameters)?.string }

    /// Returns the positional argument at an index as a number.
    func number(_ place: Int, _ usual: Int = 0) -> Int {
        values.indices.contains(place) ? values[place].int ?? usual : usual
    }

    /// Returns the positional argument at an index as text.
    func text(_ place: Int) -> String? { values.indices.contains(place) ? values[place].string : nil }
}
