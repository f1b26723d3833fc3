$connect = @{
    TenantId = 'contoso-sandbox.example'
    Scopes   = 'User.Read.All', 'Organization.Read.All'
}
Connect-MgGraph @connect | Out-Null
foreach ($role in Get-MgDirectoryRole -All) {
    foreach ($member in Get-MgDirectoryRoleMember -DirectoryRoleId $role.Id) {
        "$($role.DisplayName): $($member.Id)"
    }
}
Disconnect-MgGraph | Out-Null
