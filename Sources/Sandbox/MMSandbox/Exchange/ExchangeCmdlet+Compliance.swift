internal import MMCore

/// Cmdlets of the compliance service for reports, which only read.
extension ExchangeCmdlet {
    static let complianceReading: [ExchangeCmdlet] = complianceLists.map { list in
        ExchangeCmdlet("Get-\(list.noun)", .reading, "Identity " + list.parameters, compliance: true) {
            (organization, call) throws(ExchangeFailure) in try organization.named(list.noun, list.rows, call)
        }
    }

    private static let created: JSONObject = [
        "WhenCreatedUTC@data.type": "System.DateTime", "WhenCreatedUTC": "2025-03-14T08:00:00Z",
        "WhenChangedUTC@data.type": "System.DateTime", "WhenChangedUTC": "2025-06-02T09:30:00Z",
    ]

    private static func guid(_ kind: Int, _ place: Int) -> JSONValue {
        .string(Guid.text(UInt64(0x1AB0_0000 + kind), UInt64(place)))
    }

    private static let labels: [JSONObject] = ["Public", "General", "Confidential", "Secret"].enumerated().map {
        place, name in
        created.merging([
            "Name": .string(name), "DisplayName": .string(name), "Identity": .string(name), "Guid": guid(1, place),
            "ImmutableId": guid(1, place), "Priority": .int(Int64(place)), "ParentId": .null,
            "ParentLabelDisplayName": "",
            "Tooltip": .string("\(name) content"), "Comment": "", "Disabled": false, "Mode": "Enforce",
            "ContentType": "File, Email, Site, UnifiedGroup", "Workload": "Exchange, SharePoint",
            "Settings": [.string("[displayname, \(name)]"), "[color, #317100]"], "LabelActions": [], "Conditions": "",
            "EncryptionEnabled": .bool(place > 2), "CreatedBy": "admin", "LastModifiedBy": "admin",
        ])
    }

    private static let retention: [JSONObject] = ["Mail seven years", "Teams one year"].enumerated().map {
        place, name in
        created.merging([
            "Name": .string(name), "Identity": .string(name), "Guid": guid(2, place), "Enabled": true,
            "Mode": "Enforce", "Comment": "", "Workload": place == 0 ? "Exchange" : "Teams",
            "Type": "Retention", "RetentionRuleTypes": ["Retention"], "DistributionStatus": "Success",
            "ExchangeLocation": place == 0 ? [["Name": "All", "DisplayName": "All"]] : [],
            "TeamsChannelLocation": place == 1 ? [["Name": "All", "DisplayName": "All"]] : [],
            "SharePointLocation": [], "OneDriveLocation": [], "ModernGroupLocation": [], "TeamsChatLocation": [],
            "PublicFolderLocation": [], "ExchangeLocationException": [], "SharePointLocationException": [],
            "OneDriveLocationException": [], "AdaptiveScopeLocation": [], "IsAdaptivePolicy": false,
            "TeamsPolicy": .bool(place == 1), "RestrictiveRetention": false, "HasRules": true, "IsSimulation": false,
        ])
    }

    private static let retentionRules: [JSONObject] = ["Mail seven years", "Teams one year"].enumerated().map {
        place, name in
        created.merging([
            "Name": .string("\(name) rule"), "Identity": .string("\(name) rule"), "Guid": guid(3, place),
            "Policy": guid(2, place), "RetentionDuration": place == 0 ? "2555" : "365",
            "RetentionComplianceAction": "Keep",
            "RetentionDurationDisplayHint": "Days", "Disabled": false, "Mode": "Enforce",
            "PublishComplianceTag": "", "ApplyComplianceTag": "", "ContentMatchQuery": "", "Workload": "Exchange",
            "ExpirationDateOption": "CreationAgeInDays",
        ])
    }

    private static let tags: [JSONObject] = [
        created.merging([
            "Name": "Contract", "Identity": "Contract", "Guid": guid(4, 0), "RetentionDuration": "3650",
            "RetentionAction": "Keep", "RetentionType": "CreationAgeInDays", "IsRecordLabel": false, "Comment": "",
            "Notes": "", "ReviewerEmail": [], "Disabled": false, "Workload": "Exchange, SharePoint",
        ])
    ]

    private static let complianceLists: [(noun: String, parameters: String, rows: [JSONObject])] = [
        ("Label", "IncludeDetailedLabelActions:b ValidateContentTypeRemoval:b SkipValidations:b", labels),
        (
            "LabelPolicy", "ForceValidate:b",
            [
                created.merging([
                    "Name": "Labels for everybody", "Identity": "Labels for everybody", "Guid": guid(5, 0),
                    "Labels": .array(labels.compactMap { $0["Name"] }), "Enabled": true, "Mode": "Enforce",
                    "ScopedLabels": .array(labels.compactMap { $0["Name"] }),
                    "ExchangeLocation": [["Name": "All", "DisplayName": "All"]], "ModernGroupLocation": [],
                    "Settings": ["[mandatory, false]"], "Type": "PublishedSensitivityLabel",
                ])
            ]
        ),
        (
            "RetentionCompliancePolicy",
            "DistributionDetail:b RetentionRuleTypes:b TeamsPolicyOnly:b ExcludeTeamsPolicy:b IncludeTestModeResults:b "
                + "ErrorPolicyOnly:b AppRetentionPolicyOnly:b PriorityCleanup:b", retention
        ),
        ("RetentionComplianceRule", "Policy IncludeTestModeResults:b PriorityCleanup:b", retentionRules),
        ("ComplianceTag", "IncludingLabelState:b PriorityCleanup:b", tags),
        ("AdaptiveScope", "AdministrativeUnit Workload LocationType", []),
        ("AppRetentionCompliancePolicy", "DistributionDetail:b RetentionRuleTypes:b ErrorPolicyOnly:b", []),
        ("AppRetentionComplianceRule", "Policy", []),
        ("DlpComplianceRule", "Policy IncludeExecutionRuleGuids:b IncludeExecutionRuleInformation:b", []),
        ("ComplianceCase", "CaseType RecentOnly:b IncludeStatistics:b RoleGroupFilter", []),
        ("CaseHoldPolicy", "Case DistributionDetail:b IncludeBindings:b ClassicCase", []),
        ("CaseHoldRule", "Policy", []), ("ComplianceSearchAction", "Case Details:b Export:b Preview:b Purge:b", []),
        ("ProtectionAlert", "IncludeRuleXml:b", []), ("InformationBarrierPolicy", "ExoPolicyId", []),
        ("OrganizationSegment", "", []), ("SupervisoryReviewPolicyV2", "", []), ("InsiderRiskPolicy", "Type", []),
    ]
}
