import MMCore
import Testing

@testable import MMGraph

@Suite("Paths in drives", .timeLimit(.minutes(5)))
struct DriveItemPathTests {
    @Test(
        "an item is recognised by id and by path, in every notation",
        arguments: [
            ("/me/drive/root:/a b/c#d.txt", "/v1.0/me/drive/root:/a%20b/c%23d.txt:/content"),
            ("/me/drive/root:/a.txt:", "/v1.0/me/drive/root:/a.txt:/content"),
            ("/me/drive/root:/a.txt:/content", "/v1.0/me/drive/root:/a.txt:/content"),
            ("/drives/b!x/items/01AB", "/v1.0/drives/b!x/items/01AB/content"),
            ("/drives/b!x/items/01AB/content", "/v1.0/drives/b!x/items/01AB/content"),
            ("/beta/drives/b!x/items/01AB:/in/x.txt:/content", "/beta/drives/b!x/items/01AB:/in/x.txt:/content"),
            ("/sites/root/drive/special/photos:/a.jpg", "/v1.0/sites/root/drive/special/photos:/a.jpg:/content"),
            ("/shares/u!abc/driveItem/content", "/v1.0/shares/u!abc/driveItem/content"),
        ])
    func found(endpoint: String, content: String) throws {
        let written = endpoint.replacing("#", with: "%23")
        let item = try #require(DriveItemPath(try RequestTarget(parsing: written, service: .graph)))
        #expect(item.endpoint("content") == content)
    }

    @Test(
        "other addresses aren't items of a drive",
        arguments: [
            "/me/drive", "/me/drives", "/me/messages/1/attachments", "/users", "/me/drive/root/children/1/content",
        ])
    func none(endpoint: String) throws {
        #expect(DriveItemPath(try RequestTarget(parsing: endpoint, service: .graph)) == nil)
    }

    @Test("a folder is completed with the file's name", arguments: ["/me/drive/root", "/me/drive/root/children"])
    func folders(endpoint: String) throws {
        let item = try #require(DriveItemPath(try RequestTarget(parsing: endpoint, service: .graph)))
        #expect(item.isFolder)
        #expect(item.below("x y.txt").endpoint("content") == "/v1.0/me/drive/root:/x%20y.txt:/content")
    }
}
