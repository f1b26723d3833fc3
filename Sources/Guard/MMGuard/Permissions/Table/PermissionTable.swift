internal import CPermissionTables
package import MMCore

/// The permissions that the calls of Microsoft Graph need, read in place from the program's data.
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

    /// The shared instance.
    package static let standard = PermissionTable()

    /// The properties of a permission, as the table stores them.
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
    private let engine = GuardEngine.standard

    /// Creates the table over the guard's tree of paths.
    private init() {
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
    }

    /// Returns the permissions of a call; `nil` if nothing is known about it.
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

    /// Returns the permission with this name, in any case.
    package func permission(named name: String) -> Permission? {
        let wanted = name.lowercased()
        return (0..<nameCount).lazy.filter { file.compareFolded(wanted, with: names.u32($0, 0)) == 0 }.first
            .map(permission)
    }

    /// Returns the bit of a method. HEAD and OPTIONS need the same permissions as GET.
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
    /// Whether personal accounts can grant it too.
    package let isForPersonalAccounts: Bool
    /// Whether it is granted for a single team or chat, to an app that is installed there.
    package let isResourceSpecific: Bool
    /// The extent of the delegated form, from 1 (little) to 5; 0 if it is unknown.
    package let delegatedLevel: Int
    /// The extent of the application form, from 1 (little) to 5; 0 if it is unknown.
    package let applicationLevel: Int

    /// Returns the id of its form for a kind of sign-in; `nil` if there is no such form or the id is unknown.
    package func id(for kind: SignInKind) -> String? {
        let id = kind == .application ? applicationID : delegatedID
        return id.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Returns whether an administrator has to consent to its form for a kind of sign-in.
    package func needsAdministrator(for kind: SignInKind) -> Bool { kind == .application || needsAdministrator }

    /// Returns the extent of its form for a kind of sign-in.
    package func level(for kind: SignInKind) -> Int { kind == .application ? applicationLevel : delegatedLevel }
}

/// The permissions that a call to Microsoft Graph needs.
package struct CallPermissions: Sendable, Hashable {
    /// The template of the call in the permission data: `/users/{user-id}/messages`.
    package let template: String
    /// The choice for work and school accounts; `nil` if they can't make the call.
    package let work: PermissionChoice?
    /// The choice for personal accounts; `nil` if they can't make the call.
    package let personal: PermissionChoice?
    /// The choice for apps by themselves; `nil` if they can't make the call.
    package let application: PermissionChoice?
    /// The further permissions that a permission, given by its name, needs; one of them suffices.
    package let besides: [String: [Permission]]
    /// Whether the data has the call in beta only, although v1.0 was asked for.
    package let isBetaOnly: Bool

    /// Returns the permissions for a kind of sign-in.
    package func choice(for kind: SignInKind) -> PermissionChoice? {
        switch kind {
        case .work: work
        case .personal: personal
        case .application: application
        }
    }

    /// Returns the first permission that is fully covered by the held ones, with what it needs besides; `nil` if none
    /// is.
    package func satisfied(by held: Set<String>, for kind: SignInKind) -> Permission? {
        let held = Self.withNarrower(held)
        return choice(for: kind)?.all.first { held.contains($0.name) && missingBesides($0, from: held).isEmpty }
    }

    /// Returns the held permissions with the narrower ones that they include: those that read and write include
    /// reading, and `Files.Read.All` includes `Files.Read`. The data lists only the least one for many calls.
    private static func withNarrower(_ held: Set<String>) -> Set<String> {
        var all = held
        for name in held {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.dropFirst().contains("ReadWrite") else { continue }
            all.insert(parts.map { $0 == "ReadWrite" ? "Read" : String($0) }.joined(separator: "."))
        }
        return all.union(all.filter { $0.hasSuffix(".All") }.map { String($0.dropLast(4)) })
    }

    /// Returns the further permissions that a permission needs, if none of them is held; otherwise empty.
    package func missingBesides(_ permission: Permission, from held: Set<String>) -> [Permission] {
        guard let others = besides[permission.name], !others.contains(where: { held.contains($0.name) }) else {
            return []
        }
        return others
    }
}

/// The permissions that permit a call for one kind of sign-in: any one of them suffices.
package struct PermissionChoice: Sendable, Hashable {
    /// The permissions with the smallest extent; several are alternatives.
    package let least: [Permission]
    /// The others, narrowest first.
    package let higher: [Permission]
    /// Whether the least permissions are inferred from the other calls that they permit, rather than published for this
    /// call.
    package let isInferred: Bool

    /// All permissions, least first.
    package var all: [Permission] { least + higher }

    /// The permission to ask for: the first that isn't tied to an app in one team or chat, if there is one.
    package var advised: Permission? { all.first { !$0.isResourceSpecific } ?? all.first }
}

/// The kind of account that a token stands for, which decides what a permission means.
package enum SignInKind: String, Sendable, Hashable, CaseIterable {
    /// A person with a work or school account, through an app.
    case work
    /// A person with a personal account, through an app.
    case personal
    /// An app by itself.
    case application

    /// The name that people use for permissions of this kind.
    package var title: String {
        switch self {
        case .work: "delegated"
        case .personal: "delegated, personal account"
        case .application: "application"
        }
    }
}
