import MMCore
import MMPowerShell
import PowerShellSyntax

/// `Connect-MicrosoftTeams` as MicrosoftTeams 7.8 has it: two tokens that agree with each other, and an answer that is no JSON.
enum StandInTeams {
    private static let graphAudiences: Set<String> = [
        "https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000",
    ]

    /// Returns why the module takes no such tokens.
    @Sendable static func check(_ call: StandInCall) -> String? {
        let tokens = ["GraphToken", "TeamsToken"].compactMap { call.argument($0).flatMap(payload) }
        guard tokens.count == 2 else { return "Invalid access tokens." }
        let audiences = tokens.map { $0["aud"]?.string ?? "" }
        guard graphAudiences.contains(audiences[0]), audiences[1] == TokenResource.teamsAudience else {
            return "Invalid audiences \(audiences.joined(separator: ", "))."
        }
        for name in ["upn", "tid", "appid", "idtyp"] where tokens[0][name]?.string != tokens[1][name]?.string {
            return "The access tokens are of different \(name)."
        }
        return nil
    }

    /// Returns what the next command of the pipeline makes of the module's answer.
    @Sendable static func output(_ claims: TokenClaims, _ call: StandInCall) -> [PowerShellRecord] {
        let texts = ["account": claims.account ?? claims.appID ?? "", "tenantid": claims.tenantID ?? ""]
        return [record(texts, StandInColumn.columns(of: call.next))]
    }

    private static func payload(of token: String) -> JSONValue? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url) else { return nil }
        return try? JSONParser.parse(bytes)
    }

    /// The answer's record. Its `Account` holds a table whose keys are no strings: no JSON comes of an object that has it, and
    /// the session sends the text of a console in its place.
    private static func record(_ texts: [String: String], _ columns: [StandInColumn]?) -> PowerShellRecord {
        guard let columns, columns.allSatisfy({ $0.isText || $0.member != "account" }) else {
            let row = "\(texts["account"] ?? "") \(texts["tenantid"] ?? "")"
            return PowerShellRecord(.text, .string("Account TenantId\n------- --------\n\(row)"))
        }
        return PowerShellRecord(
            .output, .object(JSONObject(columns.map { ($0.name, texts[$0.member].map { .string($0) } ?? .null) })))
    }
}

/// A column that `Select-Object` makes: a property, or what `[string]` makes of one.
struct StandInColumn {
    let name: String
    /// The property, in lower case.
    let member: String
    let isText: Bool

    /// The columns of a `Select-Object`; `nil` where there is none, or one of another form.
    static func columns(of command: CommandSyntax?) -> [StandInColumn]? {
        guard let command, command.constantName?.lowercased() == "select-object" else { return nil }
        var written: [ExpressionSyntax] = []
        for case .argument(let argument) in command.elements.dropFirst() {
            if case .arrayLiteral(let list) = argument { written += list.elements } else { written.append(argument) }
        }
        let columns = written.compactMap(Self.init)
        return columns.count == written.count && !columns.isEmpty ? columns : nil
    }

    private init?(_ expression: ExpressionSyntax) {
        switch expression {
        case .string(let property):
            (name, member, isText) = (property.value, property.value.lowercased(), false)
        case .hashtable(let table):
            var title: String?
            var source: ExpressionSyntax?
            for entry in table.entries {
                guard case .string(let key) = entry.key, let value = Self.only(entry.value) else { return nil }
                switch key.value.lowercased() {
                case "n", "name", "l", "label": if case .string(let text) = value { title = text.value }
                case "e", "expression":
                    if case .scriptBlock(let block) = value, let body = block.scriptBlock.body?.statements.first {
                        source = Self.only(body)
                    }
                default: return nil
                }
            }
            guard let title, case .convert(let cast)? = source, case .member(let property) = cast.operand,
                case .string(let read) = property.member
            else { return nil }
            (name, member, isText) = (title, read.value.lowercased(), true)
        default: return nil
        }
    }

    /// The expression that a statement consists of.
    private static func only(_ statement: StatementSyntax) -> ExpressionSyntax? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1,
            case .expression(let element)? = pipeline.elements.first
        else { return nil }
        return element.expression
    }
}
