/// PowerShell's own filters, and which of their parameters run code or name properties.
struct FilterCommands {
    /// What a value without a parameter's name means.
    enum Positional {
        /// Where-Object: a block, or a property's name and then a value.
        case condition
        /// ForEach-Object: blocks, or the name of a member.
        case action
        /// Names of properties, blocks, or calculated properties.
        case properties
        /// Plain values.
        case values
    }

    /// The parameters that run a block.
    let blocks: [String]
    /// The parameters that take names of properties, blocks or calculated properties.
    let properties: [String]
    let positional: Positional

    /// The shape of a filter, or nil for other commands.
    static func shape(of name: String) -> FilterCommands? { shapes[name.asciiLowercased] }

    private static let shapes: [String: FilterCommands] = {
        let byProperty = FilterCommands(
            blocks: [], properties: ["property", "excludeproperty", "expandproperty", "groupby"],
            positional: .properties)
        var shapes: [String: FilterCommands] = [
            "where-object": FilterCommands(blocks: ["filterscript"], properties: ["property"], positional: .condition),
            "foreach-object": FilterCommands(
                blocks: ["process", "begin", "end", "remainingscripts", "parallel"], properties: [], positional: .action
            ),
            "compare-object": FilterCommands(blocks: [], properties: ["property"], positional: .values),
        ]
        for name in [
            "select-object", "sort-object", "group-object", "measure-object", "format-table", "format-list",
            "format-wide",
            "format-custom", "join-string", "convertto-html",
        ] { shapes[name] = byProperty }
        return shapes
    }()

    /// Names that are properties wherever they occur, so that `ForEach-Object Name` reads and never calls.
    static let plainMembers: Set<String> = [
        "name", "displayname", "id", "identity", "guid", "alias", "count", "length", "title", "url", "value", "key",
        "primarysmtpaddress", "userprincipalname", "emailaddresses", "emailaddress", "mail", "upn", "email", "address",
        "distinguishedname", "externaldirectoryobjectid", "objectid", "groupid", "teamid", "description", "type",
        "recipienttype", "recipienttypedetails", "department", "company", "city", "country", "office", "status",
        "enabled",
        "state", "location", "resourcegroupname", "resourceid", "subscriptionid", "tenantid", "tags", "members",
        "owner",
        "owners", "totalitemsize", "itemcount", "whencreated", "whenchanged", "createddatetime", "lastlogontime",
        "fullname",
        "webtemplate", "template", "storageusagecurrent", "environmentname", "internal", "visibility", "archived",
        "group",
        "values", "keys", "year", "month", "day", "hour", "date", "properties", "appid", "servicename", "sku",
    ]

    /// What names of methods begin with, in whatever case, that delete or run something.
    static let strongVerbs = [
        "delete", "remove", "invoke", "execute", "dispose", "recycle", "kill", "purge", "destroy", "dynamicinvoke",
    ]

    /// The first words of other methods, beside the verbs of cmdlets.
    static let methodVerbs: Set<String> = [
        "abort", "accept", "apply", "break", "cancel", "close", "commit", "create", "decline", "drop", "ensure",
        "flush",
        "forward", "load", "open", "refresh", "reply", "retrieve", "save", "write",
    ]

    /// Names of properties that have one value: of one object they give one.
    static let singleMembers: Set<String> = [
        "name", "displayname", "id", "identity", "guid", "alias", "title", "url", "primarysmtpaddress",
        "userprincipalname", "mail", "upn", "distinguishedname", "externaldirectoryobjectid", "objectid", "groupid",
        "teamid", "resourceid", "appid", "exchangeguid", "windowsemailaddress", "email", "samaccountname", "sitename",
        "environmentname", "resourcegroupname", "key",
    ]
}
