import MMCore
import Testing

@testable import MMSandbox

@Suite("The users of the start data", .timeLimit(.minutes(5)))
struct UserRowTests {
    @Test("what is written straight to bytes is what the property is worth")
    func bytes() async throws {
        let directory = await Bench(users: 9_000).inside { $0.store.users }
        for index in Array(0..<120) + Array(stride(from: 120, to: 9_000, by: 97)) {
            let row = directory.row(index)
            for name in EntityKind.user.properties {
                guard let column = UserColumn(rawValue: name) else { continue }
                var written: [UInt8] = []
                row.append(column, to: &written)
                #expect(try JSONParser.parse(written) == row.value(of: name) ?? .null, "\(name) of \(index)")
            }
        }
    }

    @Test("two tenants of one seed have the same people, of another seed others")
    func seeds() async {
        func names(_ seed: UInt64) async -> [String] {
            let users = await Bench(users: 200) { $0.seed = seed }.inside { $0.store.users }
            return (0..<200).map { users.row($0).userPrincipalName + users.row($0).id }
        }
        let first = await names(1)
        #expect(await names(1) == first)
        #expect(await names(2) != first)
    }

    @Test("a directory smaller than the named accounts still has them")
    func tiny() async {
        let bench = Bench(users: 1)
        let token = await bench.token()
        #expect(await bench.everyItem("/v1.0/users", token: token).count == NamedAccount.all.count)
    }

    @Test("every property that is declared has a value, and its value is of the declared type")
    func types() async {
        let users = await Bench().inside { $0.store.users }
        for index in 0..<60 {
            for (name, type) in EntityKind.user.types {
                guard let value = users.row(index).value(of: name) else {
                    Issue.record("\(name) is declared and has no value")
                    continue
                }
                switch (value, type) {
                case (.null, _), (.string, .text), (.bool, .flag), (.array, .collection), (.object, .complex): break
                case (.string(let text), .time): #expect(ServiceTime.seconds(text) != nil)
                default: Issue.record("\(name) is \(value)")
                }
            }
        }
    }

    @Test("members of a group and groups of a member agree")
    func membership() async {
        let groups = await Bench(users: 500).inside { $0.store.groups }
        for group in 0..<groups.count {
            let members = groups.members(group)
            #expect(Set(members).count == members.count)
            for member in members.prefix(5) {
                #expect(groups.groups(of: member).contains(group), "\(group) of \(member)")
            }
        }
    }
}
