/// One of Microsoft's services, by the app that stands for it in every tenant.
enum ServiceApp: String, CaseIterable, Sendable {
    case graph = "00000003-0000-0000-c000-000000000000"
    case exchange = "00000002-0000-0ff1-ce00-000000000000"
    case sharePoint = "00000003-0000-0ff1-ce00-000000000000"
    case teams = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"
    case azure = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
    case flow = "7df0a125-d3be-4c96-aa54-591f83ff541c"
    case powerApps = "475226c6-020e-4fb2-8a90-7a972cbfc1d4"

    /// Its name in the admin centre.
    var title: String {
        switch self {
        case .graph: "Microsoft Graph"
        case .exchange: "Office 365 Exchange Online"
        case .sharePoint: "SharePoint"
        case .teams: "Skype and Teams Tenant Admin API"
        case .azure: "Azure Service Management"
        case .flow: "Microsoft Flow Service"
        case .powerApps: "PowerApps Service"
        }
    }
}
