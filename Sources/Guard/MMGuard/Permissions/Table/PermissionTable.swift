internal import CPermissionTables
package import MMCore

/// Which permissions the calls of Microsoft Graph need, read in place.
package struct PermissionTable: Sendable {
    /// The parts of the data, in the numbers of the table.
    private enum Part: UInt8 {
        case v1 = 0
        case other = 1
        case beta = 2
    }

    private struct Row {
        let need: UInt32
        let part: Part
    }

    /// The only one.
    package static let standard = PermissionTable()

    /// What is so of a permission.
    private struct Marks: OptionSet {
        let rawValue: UInt8
        static let needsAdministrator = Marks(rawValue: 1)
        static let personal = Marks(rawValue: 2)
        static let resourceSpecific = Marks(rawValue: 4)
        static let delegated = Marks(rawValue: 8)
        static let application = Marks(rawValue: 16)
    }

    private static let none: UInt32 = 0xffff_ffff

    private let file: TableFile
    private let calls: UnsafeTable
    private let callCount: UInt32
    private let needs: UnsafeTable
    private let lists: UnsafeTable
    private let names: UnsafeTable
    private let nameCount: UInt32
    private let engine: GuardEngine

    /// The table over the guard's tree of paths.
    package init(engine: GuardEngine = .standard) {
        let table = cpermission_calls()
        file = TableFile(table.bytes, length: table.length, magic: "MMP1")
        precondition(
            UnsafeTable(file.section(5), size: 8).u64(0, 0) == engine.pathsFingerprint,
            "the tables of permissions and of paths are made from different facts: run both programs below Tools")
        calls = UnsafeTable(file.section(1), size: 8)
        callCount = UInt32(file.sectionLength(1) / 8)
        needs = UnsafeTable(file.section(2), size: 16)
        lists = UnsafeTable(file.section(3), size: 2)
        names = UnsafeTable(file.section(4), size: 16)
        nameCount = UInt32(file.sectionLength(4) / 16)
        self.engine = engine
    }

    /// The permissions of a call; `nil` when nothing is known of it.
    /// - Parameters:
    ///   - method: the method, in any case.
    ///   - target: the request.
    package func permissions(_ method: String, _ target: RequestTarget) -> CallPermissions? {
        let bit = Self.bit(of: method)
        let isBeta = target.version == "beta"
        let parts: [Part] = isBeta ? [.beta, .v1, .other] : [.v1, .other, .beta]
        return engine.search(target, in: parts) { template, part in
            row(of: template, bit, part).map { row in
                permissions(of: row, at: engine.text(of: template), isBetaOnly: row.part == .beta && !isBeta)
            }
        }
    }

    /// All permissions, by name.
    package var all: [Permission] { (0..<nameCount).map(permission) }

    /// The permission of this name, in any case.
    package func permission(named name: String) -> Permission? {
        let wanted = name.lowercased()
        return (0..<nameCount).lazy.filter { file.compareFolded(wanted, with: names.u32($0, 0)) == 0 }.first
            .map(permission)
    }

    /// HEAD and OPTIONS are answered to who may GET.
    private static func bit(of method: String) -> UInt8 {
        switch method.uppercased() {
        case "GET", "HEAD", "OPTIONS": 1
        case "POST": 2
        case "PUT": 4
        case "PATCH": 8
        case "DELETE": 16
        default: 0
        }
    }

    private func row(of template: GraphTemplate, _ bit: UInt8, _ part: Part) -> Row? {
        var low: UInt32 = 0
        var high = callCount
        while low < high {
            let middle = (low + high) / 2
            if calls.u32(middle, 0) < template.number { low = middle + 1 } else { high = middle }
        }
        while low < callCount, calls.u32(low, 0) == template.number {
            if calls.u8(low, 6) == part.rawValue, calls.u8(low, 7) & bit != 0 {
                return Row(need: UInt32(calls.u16(low, 4)), part: part)
            }
            low += 1
        }
        return nil
    }

    private func permissions(of row: Row, at template: String, isBetaOnly: Bool) -> CallPermissions {
        CallPermissions(
            template: template, work: choice(needs.u32(row.need, 0)), personal: choice(needs.u32(row.need, 4)),
            application: choice(needs.u32(row.need, 8)), besides: besides(needs.u32(row.need, 12)),
            isBetaOnly: isBetaOnly)
    }

    private func choice(_ list: UInt32) -> PermissionChoice? {
        guard list != Self.none else { return nil }
        let least = UInt32(number(list + 1))
        let higher = UInt32(number(list + 2))
        return PermissionChoice(
            least: permissions(list + 3, least), higher: permissions(list + 3 + least, higher),
            isInferred: number(list) == 1)
    }

    private func besides(_ list: UInt32) -> [String: [Permission]] {
        guard list != Self.none else { return [:] }
        var found: [String: [Permission]] = [:]
        var place = list + 1
        for _ in 0..<number(list) {
            let count = UInt32(number(place + 1))
            found[permission(UInt32(number(place))).name] = permissions(place + 2, count)
            place += 2 + count
        }
        return found
    }

    private func number(_ place: UInt32) -> UInt16 { lists.u16(place, 0) }

    private func permissions(_ start: UInt32, _ count: UInt32) -> [Permission] {
        (start..<start + count).map { permission(UInt32(number($0))) }
    }

    private func permission(_ index: UInt32) -> Permission {
        let marks = Marks(rawValue: names.u8(index, 12))
        return Permission(
            name: file.string(names.u32(index, 0)),
            delegatedID: marks.contains(.delegated) ? file.string(names.u32(index, 4)) : nil,
            applicationID: marks.contains(.application) ? file.string(names.u32(index, 8)) : nil,
            needsAdministrator: marks.contains(.needsAdministrator),
            isForPersonalAccounts: marks.contains(.personal),
            isResourceSpecific: marks.contains(.resourceSpecific),
            delegatedLevel: Int(names.u8(index, 13)), applicationLevel: Int(names.u8(index, 14)))
    }
}

/// A permission of Microsoft Graph, as app registrations list it.
package struct Permission: Sendable, Hashable {
    /// The name: `Mail.Send`.
    package let name: String
    /// The id of the delegated form; `nil` where there is none, empty where it is unknown.
    package let delegatedID: String?
    /// The id of the application form; `nil` where there is none, empty where it is unknown.
    package let applicationID: String?
    /// Whether only an administrator may consent to the delegated form; the application form always needs one.
    package let needsAdministrator: Bool
    /// Whether personal accounts have it too.
    package let isForPersonalAccounts: Bool
    /// Whether it is only for an app that is installed in the team or chat in question.
    package let isResourceSpecific: Bool
    /// How much the delegated form opens, 1 (little) to 5; 0 where it is unknown.
    package let delegatedLevel: Int
    /// How much the application form opens, 1 (little) to 5; 0 where it is unknown.
    package let applicationLevel: Int

    /// The id of its form for a kind of sign-in; `nil` where it has none or it is unknown.
    package func id(for kind: SignInKind) -> String? {
        let id = kind == .application ? applicationID : delegatedID
        return id.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether an administrator has to consent to its form for a kind of sign-in.
    package func needsAdministrator(for kind: SignInKind) -> Bool { kind == .application || needsAdministrator }

    /// How much its form for a kind of sign-in opens.
    package func level(for kind: SignInKind) -> Int { kind == .application ? applicationLevel : delegatedLevel }
}

/// Which permissions a call to Microsoft Graph needs.
package struct CallPermissions: Sendable, Hashable {
    /// The template of the call in the permission data: `/users/{user-id}/messages`.
    package let template: String
    /// For work and school accounts; `nil` when they can't make the call.
    package let work: PermissionChoice?
    /// For personal accounts; `nil` when they can't make the call.
    package let personal: PermissionChoice?
    /// For apps by themselves; `nil` when they can't make the call.
    package let application: PermissionChoice?
    /// What a permission, by its name, needs besides itself.
    package let besides: [String: [Permission]]
    /// Whether the data knows the call only in beta, although v1.0 was asked for.
    package let isBetaOnly: Bool

    /// The permissions for a kind of sign-in.
    package func choice(for kind: SignInKind) -> PermissionChoice? {
        switch kind {
        case .work: work
        case .personal: personal
        case .application: application
        }
    }

    /// The first permission that these names hold in full, with what it needs besides; `nil` when none is held.
    package func satisfied(by held: Set<String>, for kind: SignInKind) -> Permission? {
        let held = Self.withReading(held)
        return choice(for: kind)?.all.first { held.contains($0.name) && missingBesides($0, from: held).isEmpty }
    }

    /// Who may read and write may read, also where the data lists the reading permission alone.
    private static func withReading(_ held: Set<String>) -> Set<String> {
        var all = held
        for name in held {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.dropFirst().contains("ReadWrite") else { continue }
            all.insert(parts.map { $0 == "ReadWrite" ? "Read" : String($0) }.joined(separator: "."))
        }
        return all
    }

    /// What a permission needs besides itself and isn't among these names: empty where one of them is there.
    package func missingBesides(_ permission: Permission, from held: Set<String>) -> [Permission] {
        guard let others = besides[permission.name], !others.contains(where: { held.contains($0.name) }) else {
            return []
        }
        return others
    }
}

/// The permissions that open a call to one kind of sign-in: any of them will do.
package struct PermissionChoice: Sendable, Hashable {
    /// The ones that open least; several are alternatives.
    package let least: [Permission]
    /// The others, narrowest first.
    package let higher: [Permission]
    /// Whether the least ones are concluded from the other calls that they open, not published for this call.
    package let isInferred: Bool

    /// All of them, least first.
    package var all: [Permission] { least + higher }

    /// The one to ask for: the first that isn't tied to an app in one team or chat, while there is one.
    package var advised: Permission? { all.first { !$0.isResourceSpecific } ?? all.first }
}

/// For whom a token speaks, which decides what a permission means.
package enum SignInKind: String, Sendable, Hashable, CaseIterable {
    /// A person with a work or school account, through an app.
    case work
    /// A person with a personal account, through an app.
    case personal
    /// An app by itself.
    case application

    /// What people call permissions of this kind.
    package var title: String {
        switch self {
        case .work: "delegated"
        case .personal: "delegated, personal account"
        case .application: "application"
        }
    }
}
