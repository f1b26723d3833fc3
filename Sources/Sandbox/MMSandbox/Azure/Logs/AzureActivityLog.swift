internal import MMCore
internal import MMHTTP

/// The activity log of the subscription: what was done since the tenant's start, and some of what was done before.
/// Azure Monitor lists it, and queries of logs read it.
final class AzureActivityLog {
    /// Something that was done.
    struct Entry: Sendable {
        let time: Int64
        /// The name of the action, such as `Microsoft.Compute/virtualMachines/start/action`.
        let action: String
        /// The address of what it was done to.
        let place: String
        /// The address of the person, or the id of the app.
        let caller: String
        let status: Int
        let id: String
        let correlation: String

        var hasSucceeded: Bool { status < 400 }
        var group: String? { AzureContent.group(of: ["id": .string(place)]) }
        /// The type of the resource: the action without its last words.
        var type: String {
            let words = action.split(separator: "/")
            return words.dropLast(words.last == "action" ? 2 : 1).joined(separator: "/")
        }
        var provider: String { String(action.prefix { $0 != "/" }) }
    }

    private let context: TenantContext
    private let store: DirectoryStore
    private var noted: [Entry] = []

    init(context: TenantContext, store: DirectoryStore) { (self.context, self.store) = (context, store) }

    /// Notes something that was done.
    func note(_ action: AzureAction, by caller: String, status: Int) {
        noted.append(
            Entry(
                time: context.now, action: action.name, place: action.scope, caller: caller, status: status,
                id: RandomBytes.uuid(), correlation: RandomBytes.uuid()))
    }

    /// The entries of the last 90 days, newest first.
    var entries: [Entry] {
        let oldest = context.now - 90 * 86_400
        return (noted.reversed() + before).filter { $0.time >= oldest }
    }

    private static let deeds: [(type: String, verb: String)] = [
        (MachineAction.type, "restart/action"), ("Microsoft.Storage/storageAccounts", "write"),
        (MachineAction.type, "start/action"), ("Microsoft.KeyVault/vaults", "write"),
        ("Microsoft.Web/sites", "restart/action"), ("Microsoft.Storage/storageAccounts", "listKeys/action"),
        ("Microsoft.Web/sites", "write"),
    ]

    /// What was done before the tenant's start, by the administrator and by the app that signs in by itself.
    private var before: [Entry] {
        let mixing = context.mixing.branch(64)
        let resources = AzureContent().resources
        return (0..<60).compactMap { index in
            let deed = Self.deeds[mixing.number(index, 1, below: Self.deeds.count)]
            let places = resources.filter { $0["type"]?.string == deed.type }
            guard !places.isEmpty else { return nil }
            let isApp = mixing.number(index, 3, below: 4) == 0
            return Entry(
                time: store.users.now - Int64(index) * 86_400 - Int64(mixing.number(index, 4, below: 80_000)),
                action: "\(deed.type)/\(deed.verb)",
                place: places[mixing.number(index, 2, below: places.count)]["id"]?.string ?? "",
                caller: isApp ? TenantIdentity.automationApp : store.users.row(0).userPrincipalName,
                status: mixing.number(index, 5, below: 12) == 0 ? 409 : 200,
                id: Guid.text(mixing.number(index, 6), mixing.number(index, 7)),
                correlation: Guid.text(mixing.number(index, 8), mixing.number(index, 9)))
        }
    }

    // MARK: Azure Monitor

    /// Returns the entries that a filter selects ("Activity Logs - List"), which has to name the time from which on.
    func list(_ request: HTTPServerRequest, _ answers: PlatformAnswers) -> HTTPServerResponse {
        let filter = request.queryFields["$filter"] ?? ""
        guard CaselessText.contains(filter, "eventTimestamp") else {
            return .failure(
                400, "BadRequest",
                "The filter is missing or has no start: $filter=eventTimestamp ge '2026-01-01T00:00:00Z' is needed.")
        }
        return answers.list(request, entries.map(Self.row)) { name, row in
            switch name {
            case "resourceUri": row["resourceId"]
            case "resourceProvider": row["resourceProviderName"]?["value"]
            default: nil
            }
        }
    }

    private static func row(_ entry: Entry) -> JSONValue {
        func named(_ text: String) -> JSONValue { ["value": .string(text), "localizedValue": .string(text)] }
        let time = JSONValue.string(ServiceTime.longText(entry.time))
        let status = entry.hasSucceeded ? "Succeeded" : "Failed"
        return [
            "id": .string("\(entry.place)/events/\(entry.id)/ticks/\(entry.time)"), "eventDataId": .string(entry.id),
            "correlationId": .string(entry.correlation), "operationId": .string(entry.correlation),
            "eventName": named("EndRequest"), "category": named("Administrative"),
            "level": entry.hasSucceeded ? "Informational" : "Error", "channels": "Operation",
            "eventTimestamp": time, "submissionTimestamp": time, "caller": .string(entry.caller),
            "authorization": ["action": .string(entry.action), "scope": .string(entry.place)],
            "operationName": named(entry.action), "status": named(status),
            "subStatus": named(entry.hasSucceeded ? "" : "Conflict"), "resourceId": .string(entry.place),
            "resourceGroupName": .string(entry.group ?? ""), "resourceProviderName": named(entry.provider),
            "resourceType": named(entry.type), "subscriptionId": .string(AzureContent.subscriptionID),
            "tenantId": .string(TenantIdentity.id), "description": "", "claims": [:],
            "properties": ["statusCode": .string(status), "entity": .string(entry.place)],
        ]
    }
}
