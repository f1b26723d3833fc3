import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// Explains to the caller why a service refused a request, and what would grant it.
struct RefusalAdvice: Sendable {
    /// The maximum time for advice: not longer than a request.
    private static let timeout = Duration.seconds(8)
    /// The maximum number of refused batch items with advice; usually all lack the same permission.
    private static let mostItems = 3

    let registry: ConnectionRegistry
    let identity: IdentityService

    /// Returns the error with advice in place of its hint; the error itself where there is no advice.
    /// - Parameters:
    ///   - error: the error of the call.
    ///   - record: the record of the call.
    func explaining(_ error: MMError, _ record: CallRecord) async -> MMError {
        if let search = NamedKey(error)?.search(on: record.facts["connection"]?.string) {
            var explained = error
            explained.hint = [error.hint, search].compactMap(\.self).joined(separator: " ")
            return explained
        }
        guard let refusal = Self.refusal(in: error), let advice = await advice(on: [refusal], record).first ?? nil
        else {
            return error
        }
        var explained = error
        explained.hint = advice.hint
        explained.details["advice"] = .object(advice.details)
        return explained
    }

    /// Returns notes about the refused items of a batch, which succeeds as a whole.
    func notes(on answer: OperationAnswer, _ record: CallRecord) async -> [String] {
        guard let recorded = record.facts["items"], case .json(let bytes) = answer.body,
            let responses = (try? JSONParser.parse(bytes))?["responses"]?.array
        else { return [] }
        let items = BatchItems(recorded: recorded).items
        let refused = responses.compactMap { response -> (BatchItems.Item, Refusal)? in
            let status = response["status"]?.int ?? 0
            guard [401, 403].contains(status), let id = response["id"]?.string,
                let item = items.first(where: { $0.id == id })
            else { return nil }
            let error = response["body"]?["error"]
            return (
                item,
                Refusal(
                    service: .graph, method: item.method, target: item.target, status: status,
                    code: error?["code"]?.string ?? "", message: error?["message"]?.string ?? "",
                    isRead: Self.isRead(item.method, item.target, nil))
            )
        }
        let told = refused.prefix(Self.mostItems)
        let advice = await advice(on: told.map(\.1), record)
        return zip(told, advice).compactMap { refused, advice in
            advice.map { "Item \(refused.0.id), \(refused.0.method) \(refused.0.target.path): \($0.hint)" }
        }
    }

    /// Returns advice on requests of one call.
    private func advice(on refusals: [Refusal], _ record: CallRecord) async -> [PermissionAdvice?] {
        guard let service = refusals.first?.service, refusals.contains(where: PermissionAdvisor.concerns),
            let name = record.facts["connection"]?.string,
            let snapshot = try? registry.snapshot(), let connection = try? snapshot.connection(named: name),
            let cloud = try? identity.cloud(of: connection)
        else { return [] }
        let deadline = Deadline.after(Self.timeout)
        // Only a customer's connection isn't in the file.
        let partner = snapshot.implied(named: connection.name).flatMap {
            RegistrySnapshot.partner(of: $0.name, among: snapshot.names)
        }
        let place = ConsentPlace(connection, cloud: cloud, partner: partner)
        var rights: TokenRights?
        if let resource = ServiceResource(service) {
            rights = await identity.rights(of: connection, on: resource, deadline: deadline)
        }
        let advisor = PermissionAdvisor(rights: rights, place: place)
        let found = refusals.map { PermissionAdvisor.concerns($0) ? advisor.advice(on: $0) : nil }
        guard rights?.kind == .work, found.contains(where: { $0?.wantedRoles.isEmpty == false }) else { return found }
        let eligible = await eligible(connection, deadline)
        return found.map { $0?.activating(eligible, at: place) }
    }

    /// Returns the refused request of an error.
    static func refusal(in error: MMError) -> Refusal? {
        let details = error.details
        // The compliance service is Exchange's second endpoint, with the same roles.
        let word =
            details["service"]?.string == ExchangeService.compliance.rawValue ? "exchange" : details["service"]?.string
        if let service = word.flatMap(RequestService.init), let status = details["status"]?.int {
            let method = details["method"]?.string ?? "GET"
            let target = details["path"]?.string.flatMap {
                try? RequestTarget(parsing: $0, service: service, normalization: .clean)
            }
            let cmdlet = details["cmdlet"]?.string
            let message = details["serviceMessage"]?.string ?? error.message
            return Refusal(
                service: service, method: method, target: target, cmdlet: cmdlet, status: status,
                code: details["code"]?.string ?? "", message: message, isRead: isRead(method, target, cmdlet))
        }
        // A cmdlet that the service ran for the native engine.
        guard details["engine"] == "native", details["category"] == "PermissionDenied",
            let cmdlet = details["cmdlet"]?.string
        else { return nil }
        return Refusal(
            service: .exchange, method: "POST", cmdlet: cmdlet, status: 403, message: error.message,
            isRead: isRead("POST", nil, cmdlet))
    }

    private static func isRead(_ method: String, _ target: RequestTarget?, _ cmdlet: String?) -> Bool {
        if let cmdlet { return cmdlet.lowercased().hasPrefix("get-") }
        guard let target else { return method == "GET" }
        return GuardEngine.standard.classify(GuardedRequest(method: method, target: target)).classes == .read
            || method == "GET"
    }

    /// Returns the ids of the roles that the user is eligible to activate; empty where the token may not read that
    /// list.
    private func eligible(_ connection: Connection, _ deadline: Deadline) async -> Set<String> {
        let path = "/roleManagement/directory/roleEligibilityScheduleInstances/filterByCurrentUser(on='principal')"
        guard let target = try? RequestTarget(parsing: path, service: .graph),
            let rights = await identity.rights(of: connection, deadline: deadline),
            PermissionTable.standard.permissions("GET", target)?.satisfied(by: rights.permissions, for: rights.kind)
                != nil,
            let client = try? GuardedClient(identity: identity, connection: connection, service: .graph),
            let request = try? GraphRequest(method: "GET", target: target),
            let response = try? await client.read(request, deadline: deadline),
            let rows = (try? JSONParser.parse(response.body))?["value"]?.array
        else { return [] }
        return Set(rows.compactMap { $0["roleDefinitionId"]?.string?.lowercased() })
    }
}

/// A path that Graph doesn't have because it names an object by its display name: `/groups/Sales`.
struct NamedKey {
    private let collection: String
    private let name: String

    /// Reads the error of a request; `nil` where the key may be an id, or the collection can't be searched by names.
    init?(_ error: MMError) {
        guard error.details["service"] == "graph", Self.isUnknownKey(error),
            let target = error.details["path"]?.string.flatMap({
                try? RequestTarget(parsing: $0, service: .graph, normalization: .clean)
            }), target.segments.count > 1,
            let list = try? RequestTarget(parsing: "/" + target.segments[0], service: .graph, normalization: .clean),
            let found = GuardEngine.standard.template(of: list), let type = QueryCheck().type(of: list),
            EndpointIndex.standard.calls(of: found.template).contains(where: { $0.method == "GET" && $0.answersMany })
        else { return nil }
        collection = target.segments[0]
        name = target.segments[1]
        // Addresses are keys, and the ids of other services' objects contain other signs than most names do.
        guard !GUID.isValid(name), name.allSatisfy({ $0.isLetter || $0.isNumber || " -_.'".contains($0) }),
            GraphTypeTable.standard.properties(of: type).contains(where: { property in
                property.name == "displayName" && property.filtering?.plain.contains("eq") == true
            })
        else { return nil }
    }

    /// Whether the service has no object of that key, or says that it can't be one, as for groups.
    private static func isUnknownKey(_ error: MMError) -> Bool {
        error.code == .notFound
            || error.details["serviceMessage"]?.string?.hasPrefix("Invalid object identifier") == true
    }

    /// Returns what finds the object's id.
    func search(on connection: String?) -> String {
        let value = name.prefix(200).replacing("'", with: "''")
        let path = "/\(collection)?$filter=displayName eq '\(value)'&$select=id,displayName"
        let command = "mm graph \(ShellWord.quoted(connection ?? "CONNECTION")) \(ShellWord.quoted(path))"
        return "Paths take ids: `\(command)` finds that of an object by its name."
    }
}
