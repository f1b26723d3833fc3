/// An account that is always there, so that demonstrations, documents and tests can name it.
struct NamedAccount: Sendable {
    /// What happens when this account signs in.
    enum SignInOutcome: Sendable, Hashable {
        case granted
        /// The account is disabled (50057).
        case disabled
        /// A policy forbids the token (53003).
        case blockedByPolicy
        /// The first sign-in works, a refresh asks for a second factor (50076).
        case secondFactorOnRefresh
    }

    let address: String
    let given: String
    let family: String
    let title: String
    let department: Int
    let role: DirectoryRoleName?
    let outcome: SignInOutcome
    let isGuest: Bool
    /// The role that the account may take up for a while, and hasn't.
    var eligible: DirectoryRoleName?

    /// The accounts in the order of their indices, from 0.
    static let all: [NamedAccount] = [
        NamedAccount(
            address: "admin", given: "Avery", family: "Admin", title: "Microsoft 365 Administrator", department: 9,
            role: .globalAdministrator, outcome: .granted, isGuest: false),
        NamedAccount(
            address: "lena.vogt", given: "Lena", family: "Vogt", title: "HR Business Partner", department: 4, role: nil,
            outcome: .granted, isGuest: false),
        NamedAccount(
            address: "ben.baker", given: "Ben", family: "Baker", title: "Account Executive", department: 1, role: nil,
            outcome: .granted, isGuest: false, eligible: .globalReader),
        NamedAccount(
            address: "rita.reader", given: "Rita", family: "Reader", title: "Auditor", department: 7,
            role: .globalReader,
            outcome: .granted, isGuest: false, eligible: .userAdministrator),
        NamedAccount(
            address: "gus.guest_fabrikam.example#EXT#", given: "Gus", family: "Guest", title: "Consultant",
            department: 8,
            role: nil, outcome: .granted, isGuest: true),
        NamedAccount(
            address: "dora.disabled", given: "Dora", family: "Disabled", title: "Accountant", department: 3, role: nil,
            outcome: .disabled, isGuest: false),
        NamedAccount(
            address: "paul.policy", given: "Paul", family: "Policy", title: "Counsel", department: 7, role: nil,
            outcome: .blockedByPolicy, isGuest: false),
        NamedAccount(
            address: "mia.factor", given: "Mia", family: "Factor", title: "Security Analyst", department: 9, role: nil,
            outcome: .secondFactorOnRefresh, isGuest: false),
    ]
}

/// The directory roles that the sandbox knows.
enum DirectoryRoleName: String, Sendable, CaseIterable {
    case globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"
    case globalReader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
    case userAdministrator = "fe930be7-5e62-47db-91af-98c3a49a38b1"
    case exchangeAdministrator = "29232cdf-9323-42fd-ade2-1d097af3e4de"
    case sharePointAdministrator = "f28a1f50-f6e7-4571-818b-6a12f2af6b6c"
    case teamsAdministrator = "69091246-20e8-4a56-aa4d-066075b2a7a8"

    var title: String {
        switch self {
        case .globalAdministrator: "Global Administrator"
        case .globalReader: "Global Reader"
        case .userAdministrator: "User Administrator"
        case .exchangeAdministrator: "Exchange Administrator"
        case .sharePointAdministrator: "SharePoint Administrator"
        case .teamsAdministrator: "Teams Administrator"
        }
    }

    var purpose: String {
        switch self {
        case .globalAdministrator: "Can manage all aspects of the directory and of services that use its identities."
        case .globalReader: "Can read everything that a Global Administrator can, but not update anything."
        case .userAdministrator: "Can manage all aspects of users and groups."
        case .exchangeAdministrator: "Can manage all aspects of Exchange."
        case .sharePointAdministrator: "Can manage all aspects of SharePoint."
        case .teamsAdministrator: "Can manage Teams."
        }
    }
}
