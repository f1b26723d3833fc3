internal import MMCore
internal import MMHTTP

/// The configuration store behind the policies of Teams: objects of a type, by name, whose settings administrators
/// change.
final class TeamsConfiguration {
    /// A type of objects as the store and the module of Teams call it.
    struct Kind: Sendable {
        /// The noun of its cmdlets, after `Cs`.
        let noun: String
        /// The name in the store.
        let type: String
        /// Whether there is only the global object.
        let isSingle: Bool
        /// The objects of a new tenant.
        let objects: [(name: String, settings: JSONObject)]

        init(_ noun: String, type: String? = nil, isSingle: Bool = false, _ objects: [(String, JSONObject)]) {
            (self.noun, self.type, self.isSingle) = (noun, type ?? noun, isSingle)
            self.objects = objects.map { (name: $0.0, settings: $0.1) }
        }

        /// The objects of a new tenant, as the module's cmdlets output them.
        var rows: [JSONValue] { objects.map { .object(row($0.name, $0.settings)) } }

        /// Returns an object as the cmdlets output it: with members of the store besides its settings.
        fileprivate func row(_ name: String, _ settings: JSONObject) -> JSONObject {
            var row: JSONObject = [
                "Identity": .string(name), "DataSource": .null, "ConfigMetadata": ["Authority": "Tenant"],
                "Key": ["ScopeClass": "Global", "SchemaId": ["Name": .string(type)]],
            ]
            for (key, value) in settings { row[key] = value }
            return row
        }

        private static func meeting(anonymous: Bool) -> JSONObject {
            [
                "AllowAnonymousUsersToJoinMeeting": .bool(anonymous), "AutoAdmittedUsers": "EveryoneInCompany",
                "AllowCloudRecording": true, "AllowTranscription": true,
                "DesignatedPresenterRoleMode": "EveryoneUserOverride",
            ]
        }

        static let all = [
            Kind(
                "TeamsMeetingPolicy",
                [
                    ("Global", meeting(anonymous: true)),
                    ("Tag:RestrictedAnonymousAccess", meeting(anonymous: false)),
                ]),
            Kind(
                "TeamsMessagingPolicy",
                [
                    (
                        "Global",
                        ["AllowOwnerDeleteMessage": false, "AllowUserDeleteMessage": true, "AllowUrlPreviews": true]
                    )
                ]),
            Kind(
                "TeamsChannelsPolicy",
                [
                    (
                        "Global",
                        [
                            "AllowOrgWideTeamCreation": true, "EnablePrivateTeamDiscovery": true,
                            "AllowSharedChannelCreation": true,
                        ]
                    )
                ]),
            Kind(
                "TeamsAppPermissionPolicy",
                [("Global", ["DefaultCatalogAppsType": "BlockedAppList", "GlobalCatalogAppsType": "BlockedAppList"])]),
            Kind(
                "TeamsClientConfiguration", isSingle: true,
                [
                    (
                        "Global",
                        ["AllowBox": true, "AllowDropBox": true, "AllowGuestUser": true, "AllowEmailIntoChannel": true]
                    )
                ]),
            Kind(
                "TenantFederationConfiguration", type: "TenantFederationSettings", isSingle: true,
                [("Global", ["AllowFederatedUsers": true, "AllowTeamsConsumer": false, "BlockedDomains": []])]),
        ]
    }

    private let store: DirectoryStore
    private let bearer: BearerCheck
    /// The objects by type; types and names are looked up in lower case.
    private var objects: [String: [(name: String, settings: JSONObject)]]

    init(store: DirectoryStore, bearer: BearerCheck) {
        (self.store, self.bearer) = (store, bearer)
        objects = Dictionary(uniqueKeysWithValues: Kind.all.map { ($0.type.lowercased(), $0.objects) })
    }

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.teams }
        let place = "/Skype.Policy/configurations/{type}"
        routes.on("GET", path: place, TeamsConfiguration.list)
        routes.on("POST", path: place, TeamsConfiguration.make)
        routes.on("PUT", path: "\(place)/configuration/{name}", TeamsConfiguration.change)
        routes.on("DELETE", path: "\(place)/configuration/{name}", TeamsConfiguration.remove)
        return routes.router
    }

    private func list(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { kind, objects in
            HTTPServerResponse(
                status: 200,
                json: ["value": .array(objects.map { .object(kind.row($0.name, $0.settings)) })])
        }
    }

    private func make(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { kind, objects in
            guard let name = body(request)["Identity"]?.string.map({ $0.hasPrefix("Tag:") ? $0 : "Tag:" + $0 }),
                !kind.isSingle, !objects.contains(where: { $0.name.lowercased() == name.lowercased() })
            else { return .failure(409, "Conflict", "The configuration exists already, or can't be made.") }
            guard let settings = settings(request, over: objects[0].settings) else { return Self.unknownSetting }
            objects.append((name: name, settings: settings))
            return HTTPServerResponse(status: 201, json: .object(kind.row(name, settings)))
        }
    }

    private func change(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { _, objects in
            guard let place = Self.place(of: request.name("name"), in: objects) else { return Self.notFound }
            guard let settings = settings(request, over: objects[place].settings) else { return Self.unknownSetting }
            objects[place].settings = settings
            return HTTPServerResponse(status: 204)
        }
    }

    private func remove(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request) { kind, objects in
            guard let place = Self.place(of: request.name("name"), in: objects) else { return Self.notFound }
            // Deleting the global object resets it.
            if objects[place].name == "Global" {
                objects[place] = kind.objects[0]
            } else {
                objects.remove(at: place)
            }
            return HTTPServerResponse(status: 204)
        }
    }

    private static let notFound = HTTPServerResponse.failure(404, "NotFound", "The configuration was not found.")
    private static let unknownSetting = HTTPServerResponse.failure(
        400, "BadRequest", "The configuration has no such setting.")

    /// Returns the index of a name, with or without the prefix of assignable policies.
    private static func place(of name: String, in objects: [(name: String, settings: JSONObject)]) -> Int? {
        let name = name.lowercased()
        return objects.firstIndex {
            ["\($0.name.lowercased())", $0.name.lowercased().replacing("tag:", with: "")].contains(name)
        }
    }

    private func body(_ request: ServiceRequest) -> JSONObject {
        request.http.object ?? [:]
    }

    /// Returns settings with the changes of a request; `nil` if the type lacks one of them.
    private func settings(_ request: ServiceRequest, over known: JSONObject) -> JSONObject? {
        var settings = known
        for (name, value) in body(request) where name != "Identity" {
            guard let known = known.first(where: { $0.key.lowercased() == name.lowercased() })?.key else { return nil }
            settings[known] = value
        }
        return settings
    }

    /// Returns the answer to a request of an administrator with a valid token.
    private func checked(
        _ request: ServiceRequest,
        _ answer: (Kind, inout [(name: String, settings: JSONObject)]) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        let principal: SignedInPrincipal
        do throws(TokenMint.Refusal) { principal = try bearer.principal(request.http, for: .teamsAdmin) } catch {
            return .failure(401, "Unauthorized", "The access token is missing, or is not for this service.")
        }
        guard !bearer.isRevoked(principal) else {
            return .failure(401, "Unauthorized", "The access token has been revoked.")
        }
        let roles = store.roles(of: principal)
        guard roles.contains(.globalAdministrator) || roles.contains(.teamsAdministrator) else {
            return .failure(403, "Forbidden", "Access Denied.")
        }
        let type = request.name("type").lowercased()
        guard let kind = Kind.all.first(where: { $0.type.lowercased() == type }), var found = objects[type] else {
            return .failure(404, "NotFound", "There is no configuration of this type.")
        }
        let response = answer(kind, &found)
        objects[type] = found
        return response
    }
}
