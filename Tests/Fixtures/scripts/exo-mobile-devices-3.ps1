$params = @{
    UserPrincipalName = 'admin@contoso-sandbox.example'
    ShowBanner        = $false
}
Connect-ExchangeOnline @params
$all = Get-MobileDevice -ResultSize Unlimited
Write-Host "Found $($all.Count) devices"
$all | Select-Object FriendlyName, DeviceOS, UserDisplayName, FirstSyncTime | Format-Table -AutoSize
Disconnect-ExchangeOnline -Confirm:$false
