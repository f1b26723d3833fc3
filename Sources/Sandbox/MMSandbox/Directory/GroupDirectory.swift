internal import MMCore

/// The initial groups of the tenant and their members.
struct GroupDirectory: Sendable {
    let users: UserDirectory
    let ids: ObjectIDs
    private let mixing: Mixing
    private let projects: Int

    /// The purpose of a group, which decides its members.
    private enum Purpose {
        case everyone
        case department(Int)
        case office(Int)
        case standing(Int)
        case project(Int)
        case list(Int)
    }

    private static let standing = [
        ("Sandbox Administrators", "People who run this tenant."), ("VPN Users", "May connect from outside."),
        ("Conditional Access Exclusions", "Accounts that no policy applies to."),
        ("Mailbox Auditors", "May see audit logs of mailboxes."),
    ]

    /// The groups with a mail address that Exchange keeps; the last one also grants rights.
    private static let lists = [
        ("Newsletter", "Who reads the monthly newsletter."), ("Sales Updates", "News for everybody who sells."),
        ("Office Managers", "Who looks after the offices."), ("Support Rota", "Who is on call this month."),
        ("Invoice Approvers", "May approve invoices."),
    ]

    init(users: UserDirectory, mixing: Mixing) {
        self.users = users
        self.mixing = mixing.branch(3)
        self.ids = ObjectIDs(mixing.branch(4))
        self.projects = min(400, max(8, users.count / 100))
    }

    private var firstProject: Int { 1 + Position.departments.count + Culture.all.count + Self.standing.count }

    /// The number of groups.
    var count: Int { firstProject + projects + Self.lists.count }

    private func purpose(_ index: Int) -> Purpose {
        var place = index
        if place == 0 { return .everyone }
        place -= 1
        if place < Position.departments.count { return .department(place) }
        place -= Position.departments.count
        if place < Culture.all.count { return .office(place) }
        place -= Culture.all.count
        if place < Self.standing.count { return .standing(place) }
        place -= Self.standing.count
        return place < projects ? .project(place) : .list(place - projects)
    }

    private static let colours = [
        "Amber", "Cobalt", "Crimson", "Emerald", "Indigo", "Ivory", "Jade", "Onyx", "Pearl", "Ruby", "Saffron",
        "Silver", "Teal", "Topaz", "Umber", "Violet", "Walnut", "Zinc", "Ochre", "Slate",
    ]
    private static let things = [
        "Harbour", "Lantern", "Meadow", "Orchard", "Compass", "Bridge", "Falcon", "Glacier", "Anchor", "Beacon",
        "Canyon", "Delta", "Ember", "Forge", "Grove", "Haven", "Island", "Juniper", "Kestrel", "Lagoon", "Summit",
    ]

    private func projectName(_ place: Int) -> String {
        // Twenty and twenty-one are coprime, so the pairs repeat only after 420.
        "\(Self.colours[place % Self.colours.count]) \(Self.things[place % Self.things.count])"
    }

    /// Returns whether the group at an index is a team.
    func isTeam(_ index: Int) -> Bool {
        if case .project(let place) = purpose(index) { return place % 4 != 3 }
        return index == 0
    }

    func displayName(_ index: Int) -> String {
        switch purpose(index) {
        case .everyone: "All Company"
        case .department(let place): Position.departments[place].name
        case .office(let place): "Office \(Culture.all[place].office.city)"
        case .standing(let place): Self.standing[place].0
        case .project(let place): "Project \(projectName(place))"
        case .list(let place): Self.lists[place].0
        }
    }

    /// Returns the group at an index.
    func row(_ index: Int) -> JSONObject {
        let name = displayName(index)
        let nickname = name.lowercased().filter { $0 != " " }.map { $0 == "ã" ? "a" : $0 == "ó" ? "o" : String($0) }
            .joined()
        let purpose = purpose(index)
        let created = ServiceTime.text(users.now - 86_400 * Int64(30 + mixing.number(index, 1, below: 1500)))
        var description = "Everybody in \(name)."
        var rule: JSONValue = .null
        var isUnified = false
        var hasMail = false
        var isSecurity = true
        switch purpose {
        case .everyone:
            description = "Everybody who works here."
            rule = "(user.userType -eq \"Member\")"
            isUnified = true
        case .department(let place): rule = .string("(user.department -eq \"\(Position.departments[place].name)\")")
        case .office(let place): rule = .string("(user.city -eq \"\(Culture.all[place].office.city)\")")
        case .standing(let place): description = Self.standing[place].1
        case .project:
            description = "Work on \(name)."
            isUnified = true
        case .list(let place):
            description = Self.lists[place].1
            hasMail = true
            isSecurity = place == Self.lists.count - 1
        }
        if isUnified { (hasMail, isSecurity) = (true, false) }
        var types: [JSONValue] = []
        if isUnified { types.append("Unified") }
        if !rule.isNull { types.append("DynamicMembership") }
        let mail: JSONValue = hasMail ? .string("\(nickname)@\(users.domain)") : .null
        return [
            "id": .string(ids.guid(index)), "deletedDateTime": .null, "classification": .null,
            "createdDateTime": .string(created), "creationOptions": isTeam(index) ? ["Team"] : [],
            "description": .string(description), "displayName": .string(name), "expirationDateTime": .null,
            "groupTypes": .array(types), "isAssignableToRole": .null, "mail": mail, "mailEnabled": .bool(hasMail),
            "mailNickname": .string(nickname), "membershipRule": rule,
            "membershipRuleProcessingState": rule.isNull ? .null : "On", "onPremisesSyncEnabled": .null,
            "proxyAddresses": mail.string.map { [.string("SMTP:\($0)")] } ?? [], "renewedDateTime": .string(created),
            "resourceProvisioningOptions": isTeam(index) ? ["Team"] : [], "securityEnabled": .bool(isSecurity),
            "securityIdentifier": .string(Guid.securityIdentifier(ids.guid(index))),
            "theme": .null,
            "visibility": isUnified ? (mixing.number(index, 9, below: 2) == 0 ? "Public" : "Private") : .null,
        ]
    }

    /// Returns the indices of the users in a group.
    func members(_ index: Int) -> [Int] {
        switch purpose(index) {
        case .everyone: return (0..<users.count).filter { !users.row($0).isGuest }
        case .department(let place):
            return (0..<users.count).filter { user in
                let row = users.row(user)
                return row.departmentIndex == place && !row.isGuest
            }
        case .office(let place):
            return (0..<users.count).filter { user in
                let row = users.row(user)
                return row.officeIndex == place && !row.isGuest
            }
        case .standing(0): return [0, 3]
        case .project(3): return []
        case .standing, .project, .list: return stride(index)
        }
    }

    private func stride(_ index: Int) -> [Int] {
        let size = min(users.count, 6 + mixing.number(index, 2, below: 15))
        let start = mixing.number(index, 3, below: users.count)
        let step = 1 + mixing.number(index, 4, below: 37)
        var seen: Set<Int> = []
        return (0..<size).map { (start + $0 * step) % users.count }.filter { seen.insert($0).inserted }
    }

    /// Returns the indices of the owners of a group.
    func owners(_ index: Int) -> [Int] {
        switch purpose(index) {
        // The owner of this project has left, and it has no members.
        case .project(3): []
        case .project, .standing, .list: Array(stride(index).prefix(2))
        default: [0]
        }
    }

    /// Returns the indices of the groups a user is in.
    func groups(of user: Int) -> [Int] {
        let row = users.row(user)
        var groups: [Int] = []
        if !row.isGuest { groups = [0, 1 + row.departmentIndex, 1 + Position.departments.count + row.officeIndex] }
        for index in (firstProject - Self.standing.count)..<count where members(index).contains(user) {
            groups.append(index)
        }
        return groups
    }
}

extension Record {
    /// Whether this group is one of Microsoft 365.
    var isUnifiedGroup: Bool { self["groupTypes"]?.array?.contains("Unified") == true }

    /// Whether this group is a list or a security group with a mail address: only Exchange changes these.
    var isKeptByExchange: Bool { self["mailEnabled"] == true && !isUnifiedGroup }
}

/// Departments and the job titles in them.
enum Position {
    /// One department.
    struct Department: Sendable {
        let name: String
        let titles: [String]
        /// The titles as JSON text.
        let titleBytes: [[UInt8]]

        init(name: String, titles: [String]) {
            self.name = name
            self.titles = titles
            titleBytes = titles.map { Array("\"\($0)\"".utf8) }
        }
    }

    static let departments: [Department] = [
        Department(
            name: "Engineering",
            titles: [
                "Software Engineer", "Senior Software Engineer", "Engineering Manager", "Site Reliability Engineer",
                "Test Engineer",
            ]),
        Department(
            name: "Sales",
            titles: ["Account Executive", "Sales Manager", "Sales Development Representative", "Solutions Consultant"]),
        Department(
            name: "Marketing",
            titles: ["Content Strategist", "Marketing Manager", "Brand Designer", "Campaign Analyst"]),
        Department(
            name: "Finance", titles: ["Accountant", "Financial Analyst", "Controller", "Accounts Payable Clerk"]),
        Department(
            name: "Human Resources", titles: ["HR Business Partner", "Recruiter", "People Operations Specialist"]),
        Department(
            name: "Operations",
            titles: ["Operations Manager", "Logistics Coordinator", "Facilities Technician", "Shift Supervisor"]),
        Department(
            name: "Customer Support", titles: ["Support Engineer", "Support Team Lead", "Customer Success Manager"]),
        Department(name: "Legal", titles: ["Counsel", "Paralegal", "Compliance Officer"]),
        Department(name: "Research", titles: ["Research Scientist", "Lab Technician", "Data Scientist"]),
        Department(
            name: "IT",
            titles: ["Systems Administrator", "Network Engineer", "Service Desk Analyst", "Security Analyst"]),
    ]
}
