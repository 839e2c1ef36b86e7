/* SPDX-License-Identifier: ISC */
/* What stands in for the endpoint where libmicrohttpd is not found; here it is compiled whether it is or not. */
#include "auth/http_none.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_none(void **state)
{
    struct auth_http *http = NULL;

    (void)state;
    assert_false(auth_http_available());
    assert_int_equal(auth_http_start(&http, "127.0.0.1:0", NULL), -ENOTSUP);
    assert_null(http);
    assert_int_equal(auth_http_port(http), 0);
    auth_http_stop(http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_none)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
