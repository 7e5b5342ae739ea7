import {
  Catch,
  ClassSerializerInterceptor,
  Module,
  UnauthorizedException,
  ValidationPipe,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IsString } from 'class-validator';
import { map } from 'rxjs';
import { serve } from '../serve.js';
import { OrderBody } from '../shop.host.js';
import { injectedBooks, shopOf, database } from '../shop.module.js';

IsString()(OrderBody.prototype, 'id');
IsString()(OrderBody.prototype, 'tenant');

interface Request {
  readonly path: string;
  readonly headers: { readonly authorization?: string };
}

interface Response {
  status(code: number): Response;
  json(body: object): void;
}

class Authenticated implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers, path } = context.switchToHttp().getRequest<Request>();
    if (path !== '/health' && headers.authorization !== 'Bearer host') throw new UnauthorizedException();
    return true;
  }
}

const wrapping: NestInterceptor = {
  intercept(context, next) {
    const isProbe = context.switchToHttp().getRequest<Request>().path === '/health';
    return next.handle().pipe(map((data: unknown) => (isProbe ? data : { data })));
  },
};

@Catch()
class EverythingIsTeapot implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const status = error instanceof UnauthorizedException ? 401 : 418;
    host
      .switchToHttp()
      .getResponse<Response>()
      .status(status)
      .json({ said: String(error) });
  }
}

@Module({
  imports: [TypeOrmModule.forRoot(database()), shopOf(injectedBooks)],
  providers: [
    { provide: APP_GUARD, useClass: Authenticated },
    { provide: APP_INTERCEPTOR, useValue: wrapping },
  ],
})
class App {}

await serve(App, (app) =>
  app
    .useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }))
    .useGlobalInterceptors(new ClassSerializerInterceptor(app.get(Reflector)))
    .useGlobalFilters(new EverythingIsTeapot()),
);
