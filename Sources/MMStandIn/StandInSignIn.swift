import Glibc
import MMCore
import MMPowerShell

/// Sign-in by device code for the stand-in's modules: at the tenant's own sign-in service, or with the code and the
/// account that the stand-in was started with.
enum StandInSignIn {
    /// The apps that modules sign in with when a connection names none, as registered by their vendor.
    private static let ownApps = [
        "exo": "fb78d390-0c51-40cd-8e17-fdbfab77341b", "azure": "1950a258-227b-4e31-a9cf-717495945fc2",
        "teams": "12128f48-ec9e-42f0-b203-ea49fb6af367", "graph": "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        "powerplatform": "9cee029c-6210-4654-90bb-17e6e9d36617",
    ]

    /// Shows a code and waits for the person.
    /// - Returns: the signed-in account, or how the command ends.
    static func run(
        _ module: String, _ way: StandInOptions.PromptWay, _ call: StandInCall, _ host: StandInHost
    ) -> Result<StandInAccount, StandInRefusal> {
        let way = host.options.promptWay ?? way
        guard let tenant = host.tenant else { return alone(way, host) }
        guard let app = call.argument("AppId") ?? ownApps[module] else {
            return .failure(StandInRefusal("The sign-in needs an app registration: give -ClientId.", id: "NoClientId"))
        }
        let name = call.argument("Tenant") ?? "organizations"
        let codes = Mailbox<(code: String, page: String)>()
        let answer = host.result(every: 20) {
            await Result { () async throws(MMError) in
                try await tenant.signIn(app: app, tenant: name) { codes.put(($0, $1)) }
            }
        } meanwhile: {
            for shown in codes.take() { StandInPrompt.show(way, code: shown.code, page: shown.page, host) }
        }
        switch answer {
        case .success(let token): return .success(StandInAccount(claims: TokenClaims(reading: token), token: token))
        case .failure(let error) where error.code == .cancelled:
            return .failure(StandInRefusal(end: CommandEnd(.stopped)))
        case .failure(let error):
            return .failure(StandInRefusal(error.message, id: error.details["error"]?.string ?? "SignInFailed"))
        }
    }

    /// Signs in for a stand-in without a tenant.
    private static func alone(
        _ way: StandInOptions.PromptWay, _ host: StandInHost
    ) -> Result<StandInAccount, StandInRefusal> {
        let options = host.options
        StandInPrompt.show(way, code: "FXK3T9QMB", host)
        guard isApproved(options, host) else { return .failure(StandInRefusal(end: CommandEnd(.stopped))) }
        if options.declines {
            let text = "AADSTS65004: User declined to consent to access the app."
            return .failure(StandInRefusal(text, id: "authorization_declined"))
        }
        return .success(StandInAccount(claims: options.claims))
    }

    /// Waits for the person; returns `false` when the command was stopped.
    private static func isApproved(_ options: StandInOptions, _ host: StandInHost) -> Bool {
        guard let file = options.approveWhen else { return host.wait(milliseconds: options.approveAfter) }
        while access(file, F_OK) != 0 {
            guard host.wait(milliseconds: 10) else { return false }
        }
        return true
    }
}

/// An account that is signed in to a module of the stand-in.
struct StandInAccount: Sendable {
    /// The account's claims.
    var claims: TokenClaims
    /// The token that the tenant's services accept; `nil` without a tenant.
    var token: Secret?
}

/// The end of a cmdlet that can't run.
struct StandInRefusal: Error {
    let end: CommandEnd

    init(end: CommandEnd) { self.end = end }

    init(_ message: String, id: String) {
        end = CommandEnd(.failed, failure: CommandFailure(message: message, id: id, line: 1, column: 1))
    }
}
