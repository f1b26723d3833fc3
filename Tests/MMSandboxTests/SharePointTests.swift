import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("SharePoint's own API", .timeLimit(.minutes(5)))
struct SharePointTests {
    private static let scope = "https://contososandbox.sharepoint.com/.default"
    private static let tasks = "/sites/hr/_api/web/lists/getbytitle('Tasks')"

    @Test("a site has its own title, lists, users and groups, by each way to name them")
    func reads() async {
        let bench = Bench()
        let token = await bench.token(scope: Self.scope)
        func get(_ path: String) async -> JSONValue { await bench.graph("GET", path, token: token).json }
        #expect(await get("/_api/web")["Title"] == "Contoso Sandbox")
        #expect(await get("/sites/hr/_api/Web?$select=Title") == ["Title": "Human Resources"])
        let lists = await get("/sites/hr/_api/web/lists?$filter=BaseTemplate%20eq%20100&$select=Title,Id,ItemCount")
        #expect(lists["value"]?.array?.allSatisfy { $0["ItemCount"] == 25 } == true)
        let tasks = lists["value"]?.array?.first { $0["Title"] == "Tasks" }
        let id = tasks?["Id"]?.string ?? ""
        let same = await get("/sites/hr/_api/web/lists?$filter=Id%20eq%20guid'\(id)'&$select=Title")
        #expect(same["value"] == [["Title": "Tasks"]])
        for way in ["(guid'\(id)')", "('\(id)')", "/getbyid('\(id)')", "/GetByTitle('tasks')"] {
            #expect(await get("/sites/hr/_api/web/lists\(way)")["Id"]?.string == id, "\(way)")
        }
        #expect(await get("/_api/web/lists/getbytitle('Site%20Pages')")["Title"] == "Site Pages")
        #expect(await get("/_api/web/currentuser")["Email"]?.string == TenantIdentity.administrator)
        #expect(await get("/_api/web/siteusers")["value"]?.array?.isEmpty == false)
        let groups = await get("/_api/web/sitegroups?$expand=Users")["value"]?.array
        #expect(groups?.first?["Users"]?.array?.count == 1)
        #expect(await get("/_api/web/sitegroups")["value"]?[0]?["Users"] == nil)
        let shares = await get("/_api/web/roleassignments?$expand=Member,RoleDefinitionBindings")
        #expect(shares["value"]?[0]?["RoleDefinitionBindings"]?[0]?["Name"] == "Full Control")
        #expect(shares["value"]?[0]?["Member"]?["Users"] == nil)
    }

    @Test("items are filtered, sorted and paged")
    func pages() async {
        let bench = Bench()
        let token = await bench.token(scope: Self.scope)
        let query = "?$top=10&$orderby=Id%20desc&$select=Id,Title"
        var address: String? = Self.tasks + "/items" + query
        var ids: [Int] = []
        while let next = address {
            let page = await bench.graph("GET", next, token: token).json
            ids += page["value"]?.array?.compactMap { $0["Id"]?.int } ?? []
            address = page["odata.nextLink"]?.string.map { String($0.dropFirst(Bench.base.count)) }
        }
        #expect(ids == Array((1...25).reversed()))
        _ = await bench.graph("POST", Self.tasks + "/items", token: token, body: ["Title": "Order a chair"])
        let sorted = await bench.graph("GET", Self.tasks + "/items?$orderby=Status", token: token).json["value"]?.array
        let statuses = sorted?.map { $0["Status"]?.string ?? "" } ?? []
        #expect(statuses.first == "" && statuses == statuses.sorted())
        let people = await bench.graph("GET", "/_api/web/siteusers?$orderby=IsSiteAdmin", token: token).json
        #expect(people["value"]?.array?.last?["IsSiteAdmin"] == true)
        let done = await bench.graph("GET", Self.tasks + "/items?$filter=Status%20eq%20'Done'", token: token).json
        #expect(Set(done["value"]?.array?.compactMap { $0["Status"]?.string } ?? []) == ["Done"])
    }

    @Test(
        "a filter may be written as OData 3 does: with substringof, and with types before times",
        arguments: [
            ("substringof('CHAIR',Title)", ["Order a chair"]), ("substringof(Title,'chair')", []),
            ("endswith(Title,'chair') and Created ge datetime'2001-01-01T00:00:00Z'", ["Order a chair"]),
            ("endswith(Title,'chair') and Created ge datetime'2001-01-01T00:00:00'", ["Order a chair"]),
            ("endswith(Title,'chair') and Created lt datetime'2001-01-01T00:00:00Z'", []),
        ])
    func earlierFilters(filter: String, titles: [String]) async {
        let bench = Bench()
        let token = await bench.token(scope: Self.scope)
        _ = await bench.graph("POST", Self.tasks + "/items", token: token, body: ["Title": "Order a chair"])
        let query = filter.split(separator: " ").joined(separator: "%20")
        let found = await bench.graph("GET", Self.tasks + "/items?$select=Title&$filter=\(query)", token: token).json
        #expect(found["value"]?.array?.compactMap { $0["Title"]?.string } == titles)
    }

    @Test(
        "Graph refuses a filter that is written as OData 3 does",
        arguments: ["substringof('a',displayName)", "createdDateTime%20ge%20datetime'2001-01-01T00:00:00Z'"])
    func noEarlierFilters(filter: String) async {
        let bench = Bench()
        let token = await bench.token()
        #expect(await bench.graph("GET", "/v1.0/users?$filter=\(filter)", token: token).status == 400)
    }

    @Test("an item that one API changes is the same in the other", arguments: ["PATCH", "MERGE"])
    func writes(method: String) async {
        let bench = Bench()
        let token = await bench.token(scope: Self.scope)
        let body: JSONValue = ["__metadata": ["type": "SP.Data.TasksListItem"], "Title": "Order a chair"]
        let made = await bench.graph("POST", Self.tasks + "/items", token: token, body: body)
        #expect(made.status == 201)
        let id = made.json["Id"]?.int ?? 0
        // An item has every column of its list, also those without a value.
        let row = await bench.graph("GET", Self.tasks + "/items(\(id))?$select=Id,Status", token: token).json
        #expect(row["Status"] == .null)
        let change = await bench.graph(
            "POST", Self.tasks + "/items(\(id))", token: token, headers: ["X-HTTP-Method": method, "If-Match": "*"],
            body: ["Status": "Done"])
        #expect(change.status == 204)
        let graph = await bench.token()
        let lists = await bench.graph(
            "GET", "/v1.0/sites/\(FileContent.host):/sites/hr:/lists?$filter=displayName%20eq%20'Tasks'", token: graph)
        let list = lists.json["value"]?.array?.first { $0["displayName"] == "Tasks" }?["id"]?.string ?? ""
        let path = "/v1.0/sites/\(FileContent.host):/sites/hr:/lists/\(list)/items/\(id)?$expand=fields"
        let seen = await bench.graph("GET", path, token: graph).json["fields"]
        #expect(seen?["Title"] == "Order a chair" && seen?["Status"] == "Done")
        let removed = await bench.graph("DELETE", Self.tasks + "/items(\(id))", token: token)
        #expect(removed.status == 200)
        #expect(await bench.graph("GET", path, token: graph).status == 404)
    }

    @Test("the search finds sites and items by words of their titles")
    func search() async {
        let bench = Bench()
        let token = await bench.token(scope: Self.scope)
        let answer = await bench.graph(
            "GET", "/_api/search/query?querytext='human%20resources'&rowlimit=2", token: token)
        let results = answer.json["PrimaryQueryResult"]?["RelevantResults"]
        #expect(results?["Table"]?["Rows"]?[0]?["Cells"]?[0]?["Value"] == "Human Resources")
        #expect(results?["RowCount"] == 1)
        let none = await bench.graph("GET", "/_api/search/query?querytext='human'&rowlimit=-1", token: token)
        #expect(none.json["PrimaryQueryResult"]?["RelevantResults"]?["RowCount"] == 0)
    }

    @Test("a client that wants all metadata gets the older form, with errors too")
    func verbose() async {
        let bench = Bench()
        let token = await bench.token(scope: Self.scope)
        let headers = ["Accept": "application/json;odata=verbose"]
        let lists = await bench.graph("GET", "/_api/web/lists", token: token, headers: headers).json
        #expect(lists["d"]?["results"]?.array?.isEmpty == false)
        let digest = await bench.graph("POST", "/_api/contextinfo", token: token, headers: headers).json
        #expect(digest["d"]?["GetContextWebInformation"]?["FormDigestValue"]?.string?.isEmpty == false)
        let none = await bench.graph("GET", "/_api/web/lists/getbytitle('none')", token: token, headers: headers)
        #expect(none.status == 404 && none.json["error"]?["code"] == "-2130575322, System.ArgumentException")
    }

    @Test(
        "what is wrong is refused in the service's words, what is missing here in the sandbox's",
        arguments: [
            ("GET", "/sites/none/_api/web", 404, "FileNotFound"),
            ("GET", "/_api/web/lists/getbytitle('none')", 404, "-2130575322"),
            ("GET", "\(tasks)/items(999)", 404, "-2130575338"),
            ("GET", "\(tasks)/items?$select=Colour", 400, "InvalidClientQuery"),
            ("GET", "\(tasks)/items?$skiptoken=-1", 400, "InvalidClientQuery"),
            ("GET", "\(tasks)/items?$filter=Id%20gt%201%20and%20Colour%20eq%20'red'", 400, "InvalidClientQuery"),
            ("GET", "\(tasks)/items?$orderby=Colour", 400, "InvalidClientQuery"),
            ("GET", "/_api/web/sitegroups?$expand=Owner", 400, "InvalidClientQuery"),
            ("POST", "\(tasks)/items", 400, "InvalidClientQuery"), ("DELETE", "/_api/web", 404, "NotServedBySandbox"),
            ("GET", "/_api/web/features", 404, "NotServedBySandbox"),
            ("GET", "/_api/site", 404, "NotServedBySandbox"), ("POST", "/_api/$batch", 404, "NotServedBySandbox"),
            ("GET", "/_api/web/siteusers(1)", 404, "NotServedBySandbox"),
            ("GET", "\(tasks)/items/count", 404, "NotServedBySandbox"),
            ("POST", "\(tasks)/items/add", 404, "NotServedBySandbox"),
            ("POST", "\(tasks)/items(1)/breakroleinheritance(true)", 404, "NotServedBySandbox"),
        ])
    func refused(method: String, path: String, status: Int, code: String) async {
        let bench = Bench()
        let token = await bench.token(scope: Self.scope)
        let answer = await bench.graph(
            method, path, token: token, body: method == "POST" ? ["Colour": "red"] : nil)
        #expect(answer.status == status)
        #expect(answer.json["odata.error"]?["code"]?.string?.contains(code) == true, "\(answer.json)")
    }

    @Test("a token for another service opens nothing", arguments: ["/_api/web", "/sites/hr/_api/web/lists"])
    func audience(path: String) async {
        let bench = Bench()
        #expect(await bench.graph("GET", path, token: await bench.token()).status == 401)
    }
}
