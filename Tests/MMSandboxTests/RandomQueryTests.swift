import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMSandbox

@Suite("Random queries equal an independent evaluation", .timeLimit(.minutes(5)))
struct RandomQueryTests {
    private static let properties = [
        "id", "displayName", "givenName", "surname", "mail", "userPrincipalName", "jobTitle", "department",
        "officeLocation", "city", "country",
        "usageLocation", "userType", "employeeId", "companyName", "state", "accountEnabled", "createdDateTime",
        "proxyAddresses",
        "assignedLicenses", "businessPhones",
    ]

    private static func rows(_ bench: Bench, _ token: String) async -> [JSONObject] {
        await bench.everyItem("/v1.0/users?$top=999&$select=\(properties.joined(separator: ","))", token: token)
            .compactMap(
                \.object)
    }

    @Test("filter, order, page size and count", arguments: [1, 2, 3, 4] as [UInt64])
    func filters(seed: UInt64) async {
        let bench = Bench(users: 160) { $0.seed = seed }
        let token = await bench.token()
        let rows = await Self.rows(bench, token)
        #expect(rows.count == 160)
        var maker = FilterMaker(numbers: SeededRandom(seed: seed &* 977), rows: rows)
        var sizes: Set<Int> = []
        for round in 0..<40 {
            let filter = maker.filter(depth: 3)
            var target = "/v1.0/users?$count=true&$select=id&$filter=\(Bench.escaped(filter.text))"
            var expected = rows.filter(filter.holds)
            if round % 2 == 0 {
                let key = maker.pick([
                    "displayName", "surname", "department", "city", "createdDateTime", "accountEnabled",
                ])
                let descending = Bool.random(using: &maker.numbers)
                target += "&$orderby=\(key)\(descending ? "%20desc" : "")"
                expected = Self.sorted(expected, by: key, descending: descending)
            }
            let size = maker.pick([1, 7, 50, 999])
            target += "&$top=\(size)"
            let first = await bench.graph("GET", target, token: token, headers: ["ConsistencyLevel": "eventual"])
            #expect(first.status == 200, "\(filter.text): \(first.text.prefix(300))")
            #expect(first.json["@odata.count"]?.int == expected.count, "\(filter.text)")
            // Pages of one are followed only where there are few.
            let items =
                size == 1 && expected.count > 8
                ? first.json["value"]?.array ?? []
                : await bench.everyItem(target, token: token, headers: ["ConsistencyLevel": "eventual"])
            let wanted = expected.prefix(items.count == 1 && size == 1 ? 1 : expected.count).map {
                $0["id"]?.string ?? ""
            }
            #expect(items.map { $0["id"]?.string ?? "" } == wanted, "\(filter.text)")
            sizes.insert(expected.count)
        }
        #expect(sizes.count > 10, "the filters must not all be trivial")
    }

    private static func sorted(_ rows: [JSONObject], by key: String, descending: Bool) -> [JSONObject] {
        // Insertion keeps equal rows in place and shares nothing with the sort under test.
        var result: [JSONObject] = []
        for row in rows {
            var place = result.count
            while place > 0 {
                let before = result[place - 1]
                let comes = descending ? less(before[key], row[key]) : less(row[key], before[key])
                if !comes { break }
                place -= 1
            }
            result.insert(row, at: place)
        }
        return result
    }

    private static func less(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch (left ?? .null, right ?? .null) {
        case (.null, .null): false
        case (.null, _): true
        case (_, .null): false
        case (.bool(let one), .bool(let two)): !one && two
        case (let one, let two): (one.string ?? "").lowercased() < (two.string ?? "").lowercased()
        }
    }

    @Test("searches find exactly the people whose words begin so", arguments: [5, 6] as [UInt64])
    func searches(seed: UInt64) async {
        let bench = Bench(users: 120) { $0.seed = seed }
        let token = await bench.token()
        let rows = await Self.rows(bench, token)
        var maker = FilterMaker(numbers: SeededRandom(seed: seed), rows: rows)
        for _ in 0..<25 {
            let name = maker.pick(rows)["displayName"]?.string ?? ""
            let word = String(name.split { !$0.isLetter }.randomElement(using: &maker.numbers) ?? "a").prefix(3)
                .lowercased()
            let mail = String((maker.pick(rows)["mail"]?.string ?? "").prefix(2))
            let joins = maker.pick(["AND", "OR"])
            let search = "\"displayName:\(word)\" \(joins) \"mail:\(mail)\""
            let found = await bench.everyItem(
                "/v1.0/users?$select=id&$search=\(Bench.escaped(search))", token: token,
                headers: ["ConsistencyLevel": "eventual"])
            let expected = rows.filter { row in
                let words = (row["displayName"]?.string ?? "").lowercased().split { !$0.isLetter && !$0.isNumber }
                let byName = words.contains { $0.hasPrefix(word) }
                let byMail = (row["mail"]?.string ?? "").lowercased().hasPrefix(mail.lowercased())
                return joins == "AND" ? byName && byMail : byName || byMail
            }
            #expect(found.map { $0["id"]?.string } == expected.map { $0["id"]?.string }, "\(search)")
        }
    }

    @Test("mail can be filtered, ordered and searched")
    func mail() async {
        let bench = Bench()
        let token = await bench.token()
        let all = await bench.everyItem("/v1.0/me/messages?$top=100", token: token)
        let unread = await bench.everyItem("/v1.0/me/messages?$top=5&$filter=isRead%20eq%20false", token: token)
        #expect(unread.map { $0["id"] } == all.filter { $0["isRead"] == false }.map { $0["id"] })
        #expect(!unread.isEmpty)
        let named = await bench.everyItem(
            "/v1.0/me/messages?$top=50&$filter=contains(subject,'a')%20and%20hasAttachments%20eq%20true", token: token)
        #expect(
            named.map { $0["id"] }
                == all.filter {
                    $0["subject"]?.string?.lowercased().contains("a") == true && $0["hasAttachments"] == true
                }.map { $0["id"] })
        let sender = all[0]["from"]?["emailAddress"]?["address"]?.string ?? ""
        let from = await bench.everyItem(
            "/v1.0/me/messages?$top=50&$filter=from/emailAddress/address%20eq%20'\(sender)'", token: token)
        #expect(
            from.map { $0["id"] }
                == all.filter { $0["from"]?["emailAddress"]?["address"]?.string == sender }.map { $0["id"] })
        let ordered = await bench.everyItem("/v1.0/me/messages?$top=7&$orderby=receivedDateTime", token: token)
        #expect(ordered.map { $0["id"] } == all.reversed().map { $0["id"] })
        let found = await bench.everyItem("/v1.0/me/messages?$top=50&$search=%22invoice%22", token: token)
        #expect(!found.isEmpty)
        #expect(found.allSatisfy { $0.description.lowercased().contains("invoice") })
    }

    @Test(
        "texts that are no filter are refused, whatever they are",
        arguments: [
            "displayName", "displayName eq", "eq 'a'", "displayName eq 'a", "displayName eq 'a' and",
            "(displayName eq 'a'", "displayName eq 'a')",
            "unknownFunction(displayName)", "startswith(displayName)", "displayName in ()", "proxyAddresses/any(x:)",
            "a b c", "'", "%", "\u{0}",
            "displayName eq 'a' or or 1 eq 1", "1 eq", "not", "displayName/any(", String(repeating: "(", count: 500),
            String(repeating: "not ", count: 500) + "accountEnabled",
        ])
    func noFilters(text: String) async {
        let bench = Bench(users: 20)
        let token = await bench.token()
        let answer = await bench.graph(
            "GET", "/v1.0/users?$count=true&$filter=\(Bench.escaped(text))", token: token,
            headers: ["ConsistencyLevel": "eventual"])
        #expect(answer.status == 400)
    }

    @Test("no text whatever brings the parsers down")
    func fuzz() {
        var numbers = SeededRandom(seed: 99)
        let pieces = [
            "(", ")", "'", "''", " ", "eq", "and", "or", "not", "in", "any", "all", "/", ":", ",", "$count",
            "displayName", "x", "-1", "1e9", "2025-01-01T00:00:00Z", "é", "null", "true", "startswith", "\"", "AND",
            "OR", "NOT", "\\",
        ]
        for _ in 0..<3_000 {
            let text = (0..<Int.random(in: 0...14, using: &numbers)).map { _ in
                pieces.randomElement(using: &numbers) ?? ""
            }.joined(separator: Bool.random(using: &numbers) ? " " : "")
            if let expression = try? FilterParser.parse(text) {
                _ = FilterEvaluator(property: { $0 == "displayName" ? "Anna" : ["a", "b"] }).matches(expression)
            }
            if let search = try? SearchExpression.parse(text) { _ = search.matches { _, text in text.isEmpty } }
            _ = GraphSegment.all(in: "/v1.0/\(text)")
            _ = PageToken(text)
        }
    }
}
