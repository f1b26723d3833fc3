internal import MMCore
internal import MMHTTP

/// Usage reports: Graph answers with the URL of a file, which carries its own authorisation.
struct UsageReports {
    let context: TenantContext
    let store: DirectoryStore
    let mint: TokenMint
    private static let periods = ["D7": 7, "D30": 30, "D90": 90, "D180": 180]

    /// Returns the routes for the files.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.reports }
        routes.on("GET", path: "/_reports/{report}", Self.file)
        return routes.router
    }

    /// Returns the answer to the function of a report that the tenant has; `nil` for everything else below `/reports`.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        guard let function = call.segments.last, call.segments.count > 1,
            let report = UsageReport.all.first(where: { $0.name.lowercased() == function.name.lowercased() })
        else { return nil }
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        try check(call)
        guard let span = function.arguments?.first, let period = period(span, of: report) else {
            throw GraphFailure(
                400, "InvalidParameter",
                "Invalid input: the period of \(report.name) must be one of D7, D30, D90, D180"
                    + (report.isOfDate ? ", or its date one of the last 30 days." : "."))
        }
        let grant = mint.tag("report:\(report.name):\(period)")
        return HTTPServerResponse(
            status: 302,
            headers: [
                "Location":
                    "\(context.base)/_reports/\(report.name)?period=\(period)&token=\(PercentCoding.unreserved(grant))",
                "Content-Type": "application/octet-stream",
            ])
    }

    /// Returns the period or the date of a report; `nil` for one that there is none for.
    private func period(_ argument: (key: String, value: String), of report: UsageReport) -> String? {
        switch argument.key {
        case "period": return Self.periods[argument.value] == nil ? nil : argument.value
        case "date" where report.isOfDate:
            let age =
                argument.value.utf8.count == 10
                ? ServiceTime.seconds(argument.value).map { Double(context.now) - $0 } : nil
            return age.map { $0 >= 0 && $0 <= 31 * 86_400 } ?? false ? argument.value : nil
        default: return nil
        }
    }

    private func check(_ call: GraphCall) throws(GraphFailure) {
        let denied = GraphFailure(
            403, "S2SUnauthorized", "Invalid permission. Reports.Read.All and a role that reads reports are needed.")
        guard call.principal.permissions.contains("Reports.Read.All") else { throw denied }
        if call.principal.isApp { return }
        let roles = store.roles(of: call.principal)
        guard roles.contains(.globalAdministrator) || roles.contains(.globalReader) else { throw denied }
    }

    /// Returns the file of a report.
    private func file(_ request: ServiceRequest) -> HTTPServerResponse {
        let fields = request.http.queryFields
        guard let report = UsageReport.all.first(where: { $0.name == request.name("report") }),
            let period = fields["period"], fields["token"] == mint.tag("report:\(report.name):\(period)")
        else { return HTTPServerResponse(status: 403, contentType: "text/plain", body: Array("AccessDenied\n".utf8)) }
        // A date is a period of one day.
        let days = Self.periods[period] ?? 1
        var text = "\u{FEFF}" + report.columns.map(\.title).joined(separator: ",") + "\r\n"
        // Reports are two days behind.
        let refreshed = store.users.now / 86_400 * 86_400 - 2 * 86_400
        let mixing = context.mixing.branch(71)
        let groups = report.isOfGroups ? store.table(.groups).all : []
        let count = report.isOfDays ? days : report.isOfGroups ? groups.count : store.users.count
        for index in 0..<count {
            // The activity of a group is that of its first owner.
            let user = store.users.row(index % store.users.count)
            var row = UsageReport.Row(user: user, refreshed: refreshed, days: days, mixing: mixing)
            if report.isOfDays {
                (row.day, row.people) = (index, store.users.count)
            } else if report.isOfGroups {
                row.group = groups[index]
                guard !report.isOfTeams || groups[index]["resourceProvisioningOptions"]?.array?.contains("Team") == true
                else { continue }
            } else {
                guard report.isOfEverybody || !user.isGuest, store.user(user.id) != nil else { continue }
            }
            text += report.columns.map { Self.quoted($0.value(row)) }.joined(separator: ",") + "\r\n"
        }
        var answer = HTTPServerResponse(status: 200, contentType: "application/octet-stream", body: Array(text.utf8))
        answer.headers.set("Content-Disposition", "attachment; filename=\"\(report.name)\(period).csv\"")
        return answer
    }

    private static func quoted(_ text: String) -> String {
        text.contains(where: { ",\"\n".contains($0) }) ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}

/// A usage report: its name, and its columns with their values.
struct UsageReport: Sendable {
    /// The data of one user, one group or one day in a report.
    struct Row: Sendable {
        let user: UserRow
        /// The day of the report, in seconds.
        let refreshed: Int64
        /// The number of days that it covers.
        let days: Int
        let mixing: Mixing
        /// The group, in reports on groups.
        var group: Record = .object([:])
        /// The age of the day in days, followed by the number of people, in reports on days.
        var day = 0
        var people = 0

        /// Returns a property of the group.
        func of(_ name: String) -> String { group[name]?.string ?? "" }

        /// Returns the day of the last activity in the group.
        func groupActivity(_ field: UInt64) -> String {
            Self.day(refreshed - Int64(mixing.number(user.index, field, below: 60) * 86_400))
        }

        /// Returns the number of activities in a service; 0 for inactive accounts.
        func count(_ field: UInt64, below limit: Int) -> String {
            user.isActive ? "\(mixing.number(user.index, field, below: limit * days))" : "0"
        }

        /// Returns when the user last used a service.
        func activity(_ field: UInt64) -> String {
            guard user.isEnabled || !user.isActive, !user.licenses.isEmpty, let last = user.lastSignIn else {
                return ""
            }
            return Self.day(min(refreshed, last - Int64(mixing.number(user.index, field, below: 4) * 86_400)))
        }

        /// Returns the number of people who used a service on the day; fewer at weekends.
        func active(_ field: UInt64) -> String {
            let isWeekend = [2, 3].contains((refreshed / 86_400 - Int64(day)) % 7)
            return "\(people * (mixing.number(day, field, below: 12) + (isWeekend ? 4 : 62)) / 100)"
        }

        var products: String { user.licenses.map { License.all[$0].product }.joined(separator: "+") }
        /// When the licences were assigned.
        var assigned: String { user.licenses.isEmpty ? "" : Self.day(user.created) }
        var mailbox: ExchangeMailbox? { ExchangeMailbox(user) }

        static func day(_ seconds: Int64) -> String { String(ServiceTime.text(seconds).prefix(10)) }
    }

    /// A column.
    struct Column: Sendable {
        let title: String
        let value: @Sendable (Row) -> String

        init(_ title: String, _ value: @escaping @Sendable (Row) -> String) {
            self.title = title
            self.value = value
        }
    }

    let name: String
    /// Whether it includes guests.
    var isOfEverybody = false
    /// Whether its rows are groups, followed by whether only teams are included.
    var isOfGroups = false
    var isOfTeams = false
    /// Whether its rows are the days of the period.
    var isOfDays = false
    let columns: [Column]

    /// Whether there is one for each of the last days, as of every report of users, groups or sites.
    var isOfDate: Bool { name.hasSuffix("Detail") }

    private static let refreshed = Column("Report Refresh Date", { Row.day($0.refreshed) })
    private static let principal = Column("User Principal Name", { $0.user.userPrincipalName })
    private static let name = Column("Display Name", { $0.user.displayName })
    private static let deleted: [Column] = [
        Column("Is Deleted", { _ in "False" }), Column("Deleted Date", { _ in "" }),
    ]
    private static let products = Column("Assigned Products", { $0.products })
    private static let period = Column("Report Period", { "\($0.days)" })
    private static let services = [
        "Exchange", "OneDrive", "SharePoint", "Skype For Business", "Yammer", "Teams",
    ]

    /// Returns whether a service has no users here.
    private static func isUnused(_ service: String) -> Bool { ["Skype For Business", "Yammer"].contains(service) }

    static let all: [UsageReport] = [
        activeUsers, activeCounts, mailboxes, mail, mailApps, officeApps, oneDrive, teams, teamActivity, groups, sites,
        copilot,
    ]

    private static let activeUsers = UsageReport(
        name: "getOffice365ActiveUserDetail",
        columns: [refreshed, principal, name] + deleted
            + services.map { service in
                Column("Has \(service) License", { $0.user.licenses.isEmpty || isUnused(service) ? "False" : "True" })
            }
            + services.enumerated().map { place, service in
                Column("\(service) Last Activity Date", { isUnused(service) ? "" : $0.activity(UInt64(40 + place)) })
            }
            + services.map { service in
                Column("\(service) License Assign Date", { isUnused(service) ? "" : $0.assigned })
            } + [products])

    private static let activeCounts = UsageReport(
        name: "getOffice365ActiveUserCounts", isOfDays: true,
        columns: [refreshed, Column("Office 365", { $0.active(100) })]
            + services.enumerated().map { place, service in
                Column(service, { isUnused(service) ? "0" : $0.active(UInt64(101 + place)) })
            } + [Column("Report Date", { Row.day($0.refreshed - Int64($0.day) * 86_400) }), period])

    private static let officeApps = UsageReport(
        name: "getM365AppUserDetail",
        columns: [
            refreshed, principal, Column("Last Activation Date", { $0.assigned }),
            Column("Last Activity Date", { $0.activity(110) }), period,
        ]
            + ["Windows", "Mac", "Mobile", "Web", "Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams"].map {
                app in
                Column(app, { $0.activity(111).isEmpty ? "No" : app == "Mac" ? "No" : "Yes" })
            })

    private static let mailboxes = UsageReport(
        name: "getMailboxUsageDetail",
        columns: [refreshed, principal, name] + deleted + [
            Column("Created Date", { Row.day($0.user.created) }), Column("Last Activity Date", { $0.activity(40) }),
            Column("Item Count", { "\($0.mailbox?.size.items ?? 0)" }),
            Column("Storage Used (Byte)", { "\($0.mailbox?.size.bytes ?? 0)" }),
            Column("Issue Warning Quota (Byte)", { _ in "52613349376" }),
            Column("Prohibit Send Quota (Byte)", { _ in "53150220288" }),
            Column("Prohibit Send/Receive Quota (Byte)", { _ in "53687091200" }),
            Column("Deleted Item Count", { "\(($0.mailbox?.size.items ?? 0) / 20)" }),
            Column("Deleted Item Size (Byte)", { "\(($0.mailbox?.size.bytes ?? 0) / 20)" }),
            Column("Deleted Item Quota (Byte)", { _ in "32212254720" }),
            Column("Has Archive", { $0.mailbox?.hasArchive == true ? "True" : "False" }), period,
        ])

    private static let mail = UsageReport(
        name: "getEmailActivityUserDetail",
        columns: [refreshed, principal, name] + deleted + [
            Column("Last Activity Date", { $0.activity(40) }), Column("Send Count", { $0.count(50, below: 14) }),
            Column("Receive Count", { $0.count(51, below: 60) }), Column("Read Count", { $0.count(52, below: 40) }),
            Column("Meeting Created Count", { $0.count(53, below: 2) }),
            Column("Meeting Interacted Count", { $0.count(54, below: 4) }), products, period,
        ])

    private static let mailApps = UsageReport(
        name: "getEmailAppUsageUserDetail",
        columns: [refreshed, principal, name] + deleted + [
            Column("Last Activity Date", { $0.activity(40) }), Column("Mail For Mac", { _ in "" }),
            Column("Outlook For Mac", { _ in "" }), Column("Outlook For Windows", { $0.activity(80) }),
            Column("Outlook For Mobile", { $0.activity(81) }), Column("Other For Mobile", { _ in "" }),
            Column("Outlook For Web", { $0.activity(82) }), Column("POP3 App", { _ in "" }),
            Column("IMAP4 App", { _ in "" }), Column("SMTP App", { _ in "" }), period,
        ])

    private static let copilot = UsageReport(
        name: "getMicrosoft365CopilotUsageUserDetail",
        columns: [
            refreshed, principal, name, Column("Last Activity Date", { $0.activity(83) }),
            Column("Copilot Chat Last Activity Date", { $0.activity(84) }),
            Column("Microsoft Teams Copilot Last Activity Date", { _ in "" }),
            Column("Word Copilot Last Activity Date", { $0.activity(85) }),
            Column("Excel Copilot Last Activity Date", { _ in "" }),
            Column("Outlook Copilot Last Activity Date", { _ in "" }), period,
        ])

    private static let teamActivity = UsageReport(
        name: "getTeamsTeamActivityDetail", isOfGroups: true, isOfTeams: true,
        columns: [
            refreshed, Column("Team Name", { $0.of("displayName") }), Column("Team Id", { $0.of("id") }),
            Column("Team Type", { $0.of("visibility") }), Column("Last Activity Date", { $0.groupActivity(86) }),
            period, Column("Active Users", { $0.count(87, below: 2) }),
            Column("Active Channels", { _ in "2" }), Column("Guests", { _ in "0" }),
            Column("Reactions", { $0.count(88, below: 4) }), Column("Meetings Organized", { $0.count(89, below: 2) }),
            Column("Post Messages", { $0.count(90, below: 4) }), Column("Reply Messages", { $0.count(91, below: 6) }),
            Column("Channel Messages", { $0.count(92, below: 9) }), Column("Urgent Messages", { _ in "0" }),
            Column("Mentions", { $0.count(93, below: 3) }), Column("Active Shared Channels", { _ in "0" }),
            Column("Active External Users", { _ in "0" }),
        ])

    private static let groups = UsageReport(
        name: "getOffice365GroupsActivityDetail", isOfGroups: true,
        columns: [
            refreshed, Column("Group Display Name", { $0.of("displayName") }), Column("Is Deleted", { _ in "False" }),
            Column("Owner Principal Name", { $0.user.userPrincipalName }),
            Column("Last Activity Date", { $0.groupActivity(86) }), Column("Group Type", { $0.of("visibility") }),
            Column("Member Count", { $0.count(94, below: 2) }), Column("External Member Count", { _ in "0" }),
            Column("Exchange Received Email Count", { $0.count(95, below: 5) }),
            Column("SharePoint Active File Count", { $0.count(96, below: 3) }),
            Column("Yammer Posted Message Count", { _ in "0" }), Column("Yammer Read Message Count", { _ in "0" }),
            Column("Yammer Liked Message Count", { _ in "0" }),
            Column("Exchange Mailbox Total Item Count", { $0.count(97, below: 40) }),
            Column("Exchange Mailbox Storage Used (Byte)", { _ in "41943040" }),
            Column("SharePoint Total File Count", { $0.count(98, below: 20) }),
            Column("SharePoint Site Storage Used (Byte)", { _ in "104857600" }),
            Column("Group Id", { $0.of("id") }), period,
        ])

    private static let sites = UsageReport(
        name: "getSharePointSiteUsageDetail", isOfGroups: true,
        columns: [
            refreshed, Column("Site Id", { Guid.text($0.mixing.number($0.user.index, 60), 2) }),
            Column("Site URL", { "https://\(FileContent.host)/sites/\($0.of("mailNickname"))" }),
            Column("Owner Display Name", { $0.user.displayName }), Column("Is Deleted", { _ in "False" }),
            Column("Last Activity Date", { $0.groupActivity(86) }), Column("File Count", { $0.count(98, below: 20) }),
            Column("Active File Count", { $0.count(96, below: 3) }),
            Column("Page View Count", { $0.count(99, below: 6) }),
            Column("Visited Page Count", { $0.count(100, below: 2) }),
            Column("Storage Used (Byte)", { _ in "104857600" }),
            Column("Storage Allocated (Byte)", { _ in "27487790694400" }),
            Column("Root Web Template", { _ in "Group" }),
            Column("Owner Principal Name", { $0.user.userPrincipalName }), period,
        ])

    private static let oneDrive = UsageReport(
        name: "getOneDriveUsageAccountDetail",
        columns: [
            refreshed, Column("Site Id", { Guid.text($0.mixing.number($0.user.index, 60), 1) }),
            Column(
                "Site URL",
                {
                    let name = $0.user.userPrincipalName.map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
                    return "https://contososandbox-my.sharepoint.com/personal/\(name)"
                }
            ),
            Column("Owner Display Name", { $0.user.displayName }), Column("Is Deleted", { _ in "False" }),
            Column("Last Activity Date", { $0.activity(41) }), Column("File Count", { _ in "24" }),
            Column("Active File Count", { $0.count(61, below: 1) }),
            Column("Storage Used (Byte)", { _ in "511627776" }),
            Column("Storage Allocated (Byte)", { _ in "1099511627776" }),
            Column("Owner Principal Name", { $0.user.userPrincipalName }), period,
        ])

    private static let teams = UsageReport(
        name: "getTeamsUserActivityUserDetail", isOfEverybody: true,
        columns: [
            refreshed, Column("Tenant Display Name", { _ in TenantIdentity.name }),
            Column("Shared Channel Tenant Display Names", { _ in "" }), Column("User Id", { $0.user.id }), principal,
            Column("Last Activity Date", { $0.activity(45) }),
        ] + deleted + [
            products, Column("Team Chat Message Count", { $0.count(70, below: 4) }),
            Column("Private Chat Message Count", { $0.count(71, below: 20) }),
            Column("Call Count", { $0.count(72, below: 2) }),
            Column("Meeting Count", { $0.count(73, below: 3) }), Column("Has Other Action", { _ in "No" }), period,
        ])
}
