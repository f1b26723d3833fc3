import MMCore
import MMGuard
import MMIdentity

/// The requirements of a connection: its uses, the recipes to be run on it, single permissions.
struct ConnectionNeeds: Sendable {
    var uses: [ConnectionUse] = []
    var recipes: [String] = []
    /// Permissions of Microsoft Graph by name.
    var scopes: [String] = []
    /// The permissions that the recipes need, by service.
    private var ofRecipes: [(service: ServiceApp, names: [String])] = []

    init(uses: [ConnectionUse]) { self.uses = uses }

    /// Reads the requirements of a call.
    /// - Throws: `.invalidInput` for an unknown use, recipe or permission.
    init(uses: String?, recipes: String?, scopes: String?) throws(MMError) {
        if let uses { self.uses = try ConnectionUse.list(uses) }
        for name in Self.words(recipes) {
            guard let recipe = RecipeLibrary.recipe(named: name) else {
                let names = RecipeLibrary.all.map(\.name)
                let near = NearestNames.of(name, among: names, limit: 1).first.map { " Did you mean \($0)?" } ?? ""
                throw MMError(
                    .invalidInput, "There is no recipe '\(name.prefix(60))'.\(near)", hint: "mm recipe lists them.",
                    details: ["field": "forRecipe"])
            }
            self.recipes.append(recipe.name)
            ofRecipes += recipe.permissions
        }
        for name in Self.words(scopes) {
            guard let permission = PermissionTable.standard.permission(named: name), permission.delegatedID != nil
            else {
                throw MMError(
                    .invalidInput, "Microsoft Graph has no delegated permission '\(name.prefix(80))'.",
                    hint: "mm permissions for 'GET /path' shows what a request needs.", details: ["field": "scope"])
            }
            self.scopes.append(permission.name)
        }
    }

    /// All permissions, by service, including the one to read the signed-in user.
    var permissions: [(service: ServiceApp, names: [String])] {
        ServicePermissions.joined(
            ConnectionUse.permissions(of: uses) + ofRecipes + (scopes.isEmpty ? [] : [(.graph, scopes)]))
    }

    /// The command-line flags with the same meaning.
    var flags: String {
        [("--uses", uses.map(\.rawValue)), ("--for-recipe", recipes), ("--scope", scopes)].filter { !$0.1.isEmpty }
            .map { "\($0.0) \($0.1.joined(separator: ","))" }.joined(separator: " ")
    }

    private static func words(_ text: String?) -> [String] {
        (text ?? "").split { $0 == "," || $0.isWhitespace }.map(String.init)
    }
}

extension ToolDefinition {
    /// The delegated permissions that its steps need, by service: the least that allow all of them.
    var permissions: [(service: ServiceApp, names: [String])] {
        guard case .steps(let steps, _) = work else { return [] }
        var calls: [CallPermissions] = []
        var others: [ConnectionUse] = []
        for step in steps {
            switch step.action {
            case .command(let command):
                if let use = ConnectionUse.allCases.first(where: { $0.module == command.module }) { others.append(use) }
                if command.module == "compliance" { others.append(.exchange) }
            case .request(let request):
                guard request.resource != .graph else {
                    if let call = request.permissions { calls.append(call) }
                    continue
                }
                if let use = ConnectionUse(rawValue: request.resource.rawValue) { others.append(use) }
            }
        }
        let least = PermissionPlan(for: calls, as: .work).permissions.map(\.name)
        let services = others.flatMap(\.permissions).filter { $0.service != .graph }
        return ServicePermissions.joined(services + (least.isEmpty ? [] : [(.graph, least)]))
    }
}

extension ToolRequest {
    /// The permissions that Graph requires; `nil` where no table has the request.
    fileprivate var permissions: CallPermissions? {
        guard let target = try? RequestTarget(parsing: path.text, service: .graph, normalization: .clean) else {
            return nil
        }
        return PermissionTable.standard.permissions(method, target)
    }
}

extension ToolTemplate {
    /// The text with `{id}` in place of each value.
    fileprivate var text: String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            default: "{id}"
            }
        }.joined()
    }
}

/// The arguments of `connect`. Missing ones are determined or asked for.
struct ConnectInput: OperationInput {
    @Argument("tenant", "Domain of the organisation, an email address in it, or the tenant ID.", .at(0))
    var tenant: String?
    @Argument("name", "Name of the connection (default: from the organisation).") var name: String?
    /// The requirements; `nil` where the call names none.
    @Argument(
        [
            InputField(
                "uses", .text,
                "Uses: \(ConnectionUse.allCases.map(\.rawValue).joined(separator: ","))."),
            InputField(
                "forRecipe", .text,
                "Recipes, separated by commas: requests only the permissions that they need."),
            InputField("scope", .text, "Single Microsoft Graph permissions, separated by commas."),
        ], absent: .some(nil), reading: ConnectInput.needs)
    var needs: ConnectionNeeds?
    @Argument(
        "app",
        "own: register the tenant's own app, or use it if it exists; shared: Microsoft's client, read-only; or an app ID.",
        as: { (text) throws(MMError) in try App(text) })
    var app: App?
    @Argument(
        "cloud", "\(Cloud.names.joined(separator: ", ")), or the path of a cloud file (default: detected).")
    var cloud: String?
    @Argument("expectedEmail", "Account that must sign in (default: the one that signs in).") private var givenAccount:
        String?
    @Argument("guard", "How strictly the guard judges.", of: ["standard", "strict", "readonly"])
    var guardPolicy: String?
    @Argument(
        [
            InputField("browser", .flag, "Sign in with a browser on this machine."),
            InputField("deviceCode", .flag, "Sign in with a device code."),
        ], absent: .some(nil), reading: SignInMethod.chosen)
    var method: SignInMethod?

    /// The app with which the connection signs in.
    enum App: Equatable {
        case own
        case shared
        case registered(String)

        init(_ text: String) throws(MMError) {
            switch text.lowercased() {
            case "own": self = .own
            case "shared": self = .shared
            case let id where GUID.isValid(id): self = .registered(id)
            default:
                throw MMError(
                    .invalidInput, "`app` is own, shared, or the id of an app registration, not '\(text.prefix(60))'.",
                    hint: "For example --app own.", details: ["field": "app"])
            }
        }
    }

    private static func needs(_ reader: InputReader) throws(MMError) -> ConnectionNeeds? {
        let (uses, recipes) = (try reader.text("uses"), try reader.text("forRecipe"))
        let scopes = try reader.text("scope")
        guard uses != nil || recipes != nil || scopes != nil else { return nil }
        return try ConnectionNeeds(uses: uses, recipes: recipes, scopes: scopes)
    }

    /// The account that was named, or the address that names the tenant.
    var account: String? { givenAccount ?? tenant.flatMap { $0.contains("@") ? $0 : nil } }
}
