import MMCore
import MMGuard
import MMNative
import PowerShellSyntax

/// `Get-Help NAME` and `Get-Command PATTERN` about the cmdlets of Exchange and compliance: answered from the tables, since no
/// module says as much without a session, and a caller that asks wants to know before it writes a call.
struct CmdletHelp {
    private let names: [String]
    private let isList: Bool
    private let service: ExchangeTable.Service

    /// The most names that a list has.
    private static let most = 60

    /// What a script asks for; `nil` for any other script, and where the tables know nothing of it.
    init?(_ script: ParsedScript, in module: String) {
        guard let service = ExchangeTable.Service(module: module), script.errors.isEmpty,
            let (verb, wanted) = Self.question(of: script)
        else { return nil }
        let known = ExchangeTable.standard.names(of: service)
        self.service = service
        isList = verb == "get-command"
        names = CmdletList.matching(wanted, known.sorted())
        guard isList || names.count == 1, !names.isEmpty else { return nil }
    }

    /// The one command of a script that is nothing else, with its one argument.
    private static func question(of script: ParsedScript) -> (verb: String, name: String)? {
        let commands = ScriptFacts(of: script).items.compactMap { item in
            if case .command(let command) = item.detail { command } else { nil }
        }
        guard commands.count == 1, let command = commands.first, command.count == 1, command.redirections.isEmpty,
            let name = command.name?.lowercased(), ["get-help", "help", "get-command"].contains(name)
        else { return nil }
        var wanted: String?
        for argument in command.arguments {
            switch argument {
            case .parameter(let parameter, nil) where ["name", "full", "detailed"].contains(parameter.lowercased()):
                continue
            case .parameter(let parameter, .string(let text)?) where parameter.lowercased() == "name":
                guard wanted == nil else { return nil }
                wanted = text
            case .value(.string(let text)) where wanted == nil: wanted = text
            default: return nil
            }
        }
        return wanted.map { (name == "help" ? "get-help" : name, $0) }
    }

    /// The answer.
    var answer: OperationAnswer {
        let table = ExchangeTable.standard
        let classes = CmdletClasses()
        let rows = names.prefix(Self.most).map { CmdletReference.row(of: $0, service, classes) }
        guard !isList, let row = rows.first, let name = names.first,
            let described = table.description(of: name, in: service)
        else {
            let lines = rows.map { "\($0["name"]?.string ?? "") (\($0["class"]?.string ?? ""))" }
            let more = names.count > Self.most ? ["… and \(names.count - Self.most) more"] : []
            return OperationAnswer(
                .value(["cmdlets": .array(rows.map { .object($0) })]), columns: ["name", "class"],
                text: (lines + more).joined(separator: "\n"))
        }
        let parameters = described.parameters.map { parameter in
            "-\(parameter.name)" + (parameter.isSwitch ? "" : " <\(parameter.type)>")
                + (parameter.isPositional ? ", also without its name" : "")
        }
        let head = "\(name): \(row["class"]?.string ?? "")"
        return OperationAnswer(
            .value(.object(CmdletReference.detailed(row, table))),
            text: ([head] + parameters).joined(separator: "\n"))
    }
}
