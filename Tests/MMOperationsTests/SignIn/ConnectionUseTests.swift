import MMCore
import MMGuard
import TestSupport
import Testing

@testable import MMOperations

@Suite("What a connection can be for") struct ConnectionUseTests {
    static let every = ConnectionUse.permissions(of: ConnectionUse.allCases)

    private static func holds(
        _ granted: [(service: ServiceApp, names: [String])], _ wanted: [(service: ServiceApp, names: [String])]
    ) -> Bool {
        wanted.allSatisfy { part in
            let held = Set(granted.first { $0.service == part.service }?.names ?? [])
            return part.names.allSatisfy(held.contains)
        }
    }

    /// Whether permissions of Graph open a call.
    static func opens(_ names: [String], _ method: String, _ path: String) throws -> Bool {
        let target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
        guard let call = PermissionTable.standard.permissions(method, target) else { return false }
        return call.satisfied(by: Set(names), for: .work) != nil
    }

    @Test("opens every recipe that comes ready, one way or another", arguments: RecipeLibrary.all.map(\.name))
    func recipes(name: String) throws {
        let recipe = try #require(RecipeLibrary.recipe(named: name))
        #expect(!recipe.permissions.isEmpty)
        let graph = Self.every.first { $0.service == .graph }?.names ?? []
        guard case .steps(let steps, _) = recipe.work else { return }
        for step in steps {
            guard case .request(let request) = step.action, request.resource == .graph else { continue }
            let path = request.path.pieces.map { if case .text(let text) = $0 { text } else { "{id}" } }.joined()
            #expect(try Self.opens(graph, request.method, path), "\(request.method) \(path)")
        }
        let services = recipe.permissions.filter { $0.service != .graph }
        #expect(Self.holds(Self.every, services))
    }

    @Test(
        "one use alone opens what belongs to it",
        arguments: [
            (
                ConnectionUse.graph,
                ["admins-by-role", "licence-counts", "domains", "inactive-users", "failed-sign-ins"]
            ),
            (.security, ["risky-users", "conditional-access-gaps", "users-without-mfa", "risky-consents"]),
            (.devices, ["stale-devices"]), (.apps, ["expiring-app-secrets", "apps-without-owners", "risky-consents"]),
            (.reports, ["service-health", "licence-counts"]), (.sharepoint, ["external-sharing"]),
            (.exchange, ["mail-forwarding", "inbox-rules", "mailbox-sizes"]), (.flow, ["flow-owners"]),
        ])
    func alone(use: ConnectionUse, names: [String]) throws {
        let granted = ConnectionUse.permissions(of: [use])
        let graph = granted.first { $0.service == .graph }?.names ?? []
        for name in names {
            let recipe = try #require(RecipeLibrary.recipe(named: name))
            guard case .steps(let steps, _) = recipe.work else { continue }
            for step in steps {
                guard case .request(let request) = step.action, request.resource == .graph else { continue }
                let path = request.path.pieces.map { if case .text(let text) = $0 { text } else { "{id}" } }.joined()
                #expect(try Self.opens(graph, request.method, path), "\(use) \(name): \(path)")
            }
            #expect(Self.holds(granted, recipe.permissions.filter { $0.service != .graph }), "\(use) \(name)")
        }
    }

    @Test("names permissions that Graph has, for people")
    func permissions() {
        for use in ConnectionUse.allCases {
            for (service, names) in use.permissions where service == .graph {
                for name in names {
                    #expect(PermissionTable.standard.permission(named: name)?.delegatedID != nil, "\(use): \(name)")
                }
            }
        }
    }

    @Test("a recipe alone asks for the least that it needs")
    func leastOfRecipe() throws {
        let needs = try ConnectionNeeds(uses: nil, recipes: "stale-devices,mailbox-sizes", scopes: nil)
        #expect(
            ServicePermissions.lines(needs.permissions) == [
                "Microsoft Graph: DeviceManagementManagedDevices.Read.All, User.Read",
                "Office 365 Exchange Online: Exchange.Manage",
            ])
    }

    @Test("single permissions are spelt as Graph spells them, and slips are named")
    func scopes() throws {
        let needs = try ConnectionNeeds(uses: "graph", recipes: nil, scopes: "mail.read, Sites.Read.All")
        #expect(
            needs.scopes == ["Mail.Read", "Sites.Read.All"] && needs.flags.contains("--scope Mail.Read,Sites.Read.All"))
        for (uses, recipes, scopes, said) in [
            ("secrity", nil, nil, "Did you mean security?"), (nil, "stale-device", nil, "Did you mean stale-devices?"),
            (nil, nil, "Mail.Reed", "no delegated permission 'Mail.Reed'"),
        ] as [(String?, String?, String?, String)] {
            let error = #expect(throws: MMError.self) {
                try ConnectionNeeds(uses: uses, recipes: recipes, scopes: scopes)
            }
            #expect(error?.message.contains(said) == true && error?.code == .invalidInput)
        }
    }

    @Test("the purpose says more than the name beside it", arguments: ConnectionUse.allCases)
    func purpose(use: ConnectionUse) {
        #expect(!use.purpose.isEmpty && !use.purpose.hasPrefix("\(use.rawValue):"))
    }
}
